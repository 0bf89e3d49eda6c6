"""What the commands share: options, arguments, output, jobs, prompts. Commands are in `client`."""

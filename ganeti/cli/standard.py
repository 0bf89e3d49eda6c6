"""Options that many commands have and no opcode declares."""

from ganeti.cli.option import STORE_CONST, STORE_TRUE, Option

SUBMIT = Option("--submit", dest="submit_only", action=STORE_TRUE, default=False,
                help="Submit the job and do not wait for it")
PRINT_JOBID = Option("--print-jobid", dest="print_jobid", action=STORE_TRUE, default=False,
                     help="Print the number of the job on a line of its own")
PRIORITY = Option("--priority", dest="priority", type="priority", metavar="low|normal|high",
                  choices=("low", "normal", "high"), help="Priority of the job")
DRY_RUN = Option("--dry-run", dest="dry_run", action=STORE_TRUE, default=False,
                 help="Check whether it could be done, and do nothing")

FORCE = Option("-f", "--force", dest="force", action=STORE_TRUE, default=False,
               help="Do not ask for confirmation")
CONFIRM = Option("--yes", dest="confirm", action=STORE_TRUE, default=False,
                 help="Do not ask for confirmation")
YES_DO_IT = Option("--yes-do-it", "--ya-rly", dest="yes_do_it", action=STORE_TRUE,
                   help="Confirm that you mean it")
PLAIN_YES_DO_IT = Option("--yes-do-it", dest="yes_do_it", action=STORE_TRUE, default=False,
                         help="Confirm that you mean it")
VERBOSE = Option("-v", "--verbose", dest="verbose", action=STORE_TRUE, default=False,
                 help="Tell more")

NO_HEADERS = Option("--no-headers", dest="no_headers", action=STORE_TRUE, default=False,
                    help="Leave out the line of titles")
SEPARATOR = Option("--separator", dest="separator", metavar="TEXT",
                   help="Put this between cells instead of padding them")
UNITS = Option("--units", dest="units", choices=("h", "m", "g", "t"),
               help="Unit of sizes: h as it fits, m MiB, g GiB, t TiB")
FIELDS = Option("-o", "--output", dest="output", metavar="FIELDS",
                help="Fields to show, joined by commas; +FIELDS adds to the usual ones")
FORCE_FILTER = Option("-F", "--filter", dest="force_filter", action=STORE_TRUE, default=False,
                      help="The argument is a filter expression")
LIST_VERBOSE = Option("-v", "--verbose", dest="verbose", action=STORE_TRUE, default=False,
                      help="Write out why a value is missing")
TABLE_OPTIONS = [NO_HEADERS, SEPARATOR]
LIST_OPTIONS = [NO_HEADERS, SEPARATOR, FIELDS, LIST_VERBOSE, FORCE_FILTER]
PLAIN_LIST_OPTIONS = [NO_HEADERS, SEPARATOR, FIELDS, LIST_VERBOSE]
LIST_OPTIONS_WITH_UNITS = [NO_HEADERS, SEPARATOR, UNITS, FIELDS, LIST_VERBOSE, FORCE_FILTER]

ROMAN = Option("--roman", dest="roman_integers", action=STORE_TRUE, default=False,
               help="Write whole numbers as the Romans did")
SHOW_ALL = Option("--all", dest="show_all", action=STORE_TRUE, default=False,
                  help="Show all of them")
NODES = Option("-n", "--node", dest="nodes", action="append", default=[], metavar="<node>",
               completes="one_node", help="Only this node; may be repeated")
NODE_GROUP = Option("-g", "--node-group", dest="nodegroup", metavar="<nodegroup>",
                    completes="one_nodegroup", help="Only the nodes of this group")
SHOW_MACHINE_NAMES = Option("-M", "--show-machine-names", dest="show_machine_names",
                            action=STORE_TRUE, default=False,
                            help="Begin every line with the node's name")
TAGS_FROM = Option("--from", dest="tags_source", metavar="FILE",
                   help="Read tags from this file, one a line; - is the standard input")
NO_SSH_KEY_CHECK = Option("--no-ssh-key-check", dest="ssh_key_check", action="store_false",
                          default=True, help="Accept the SSH host key of the node unseen")


def job_status_option(name: str, states: list[str], text: str) -> Option:
    """An option that picks jobs by their state."""
    return Option(name, dest="status_filter", action=STORE_CONST, const=states, help=text)

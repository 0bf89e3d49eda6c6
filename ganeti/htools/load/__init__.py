"""Where descriptions of clusters come from: text, simulation, allocator request, LUXI, RAPI."""

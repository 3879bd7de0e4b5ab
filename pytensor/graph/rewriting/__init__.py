"""How expressions change: node rewriters, the drivers that apply them, and the stages.

`basic` holds the public names of rewriters, `db` the registries, `stages` the named
list of stages a graph goes through, `pattern` the language rules are written in and
`trace` the record of what fired and what declined.
"""

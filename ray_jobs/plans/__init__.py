"""Pure planners: what a stage will do, as frozen values; nothing here imports ray."""

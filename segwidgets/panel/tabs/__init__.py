"""The pages of the panel below the map."""

"""Where people come from: a folder of photos per person, the renderer, or a public data set."""

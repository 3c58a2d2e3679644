"""Where people come from: a folder of photos per person, or the renderer."""

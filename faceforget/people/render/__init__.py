"""The parts of the renderer: geometry, skin, hair, light and camera."""

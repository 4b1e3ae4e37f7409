"""What the region is made of and is made once: toolchain, image, mirror."""

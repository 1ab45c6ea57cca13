"""How the pages reach the output folder: the build, its checks and the writing."""

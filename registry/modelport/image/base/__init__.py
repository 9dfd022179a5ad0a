"""A base image from Debian packages alone: Python, certificates and the libraries that wheels expect, and no more.

It is for where no public registry is reached, and for those who want no shell and no package manager in their images.
`lock` names the packages by path and sha256, `mirror` fetches them with apt, `deb` reads them without running anything
of them, `root` lays out the folders that maintainer scripts would have made, and `make` writes the image layout.
"""

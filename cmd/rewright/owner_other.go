//go:build !unix

package main

import (
	"io/fs"
	"os"
)

// keepOwner does nothing where files have no owner that could be set.
func keepOwner(*os.File, fs.FileInfo) {}

// hardLinks is 1 where the number of names cannot be asked.
func hardLinks(fs.FileInfo) int { return 1 }

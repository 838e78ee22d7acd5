//go:build unix

package main

import (
	"io/fs"
	"os"
	"syscall"
)

// keepOwner gives a file the owner and group of another, as far as the system lets: the group at least where it is one of
// our own.
func keepOwner(f *os.File, of fs.FileInfo) {
	st, ok := of.Sys().(*syscall.Stat_t)
	if !ok {
		return
	}
	if f.Chown(int(st.Uid), int(st.Gid)) != nil {
		f.Chown(-1, int(st.Gid))
	}
}

// hardLinks is how many names a file has.
func hardLinks(of fs.FileInfo) int {
	if st, ok := of.Sys().(*syscall.Stat_t); ok {
		return int(st.Nlink)
	}
	return 1
}

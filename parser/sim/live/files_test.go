package live

import (
	"io/fs"
	"os"
	"path"
	"strings"

	"rewright/parser/sim"
)

// siteFiles answers for the files of a site without looking at the disk, where they lie only while a server runs.
// Paths outside the site's folder are looked up on the disk.
type siteFiles struct {
	dir   string
	nodes map[string]fileNode // by clean absolute path
}

type fileNode struct {
	info   sim.FileInfo
	target string // of a link
	text   string
}

func newSiteFiles(s *site) *siteFiles {
	f := &siteFiles{dir: s.dir, nodes: map[string]fileNode{}}
	f.mkdir(s.docroot())
	for _, name := range s.Files {
		entry, target, isLink := strings.Cut(name, " -> ")
		executable := strings.HasSuffix(entry, "*")
		full := path.Join(s.docroot(), strings.TrimSuffix(entry, "*"))
		if strings.HasSuffix(name, "/") {
			f.mkdir(full)
			continue
		}
		f.mkdir(path.Dir(full))
		node := fileNode{info: sim.FileInfo{Kind: sim.Regular, Executable: executable}, text: "file:" + entry + "\n"}
		node.info.Size = int64(len(node.text))
		if isLink {
			node = fileNode{target: path.Join(path.Dir(full), target)}
		}
		f.nodes[full] = node
	}
	for name, text := range s.Config {
		full := path.Join(s.docroot(), name)
		switch name {
		case "vhost", "server", "http":
			full = path.Join(s.dir, name+".conf")
		}
		f.mkdir(path.Dir(full))
		text = s.fill(text)
		f.nodes[full] = fileNode{info: sim.FileInfo{Kind: sim.Regular, Size: int64(len(text))}, text: text}
	}
	return f
}

func (f *siteFiles) mkdir(dir string) {
	for ; dir != "/"; dir = path.Dir(dir) {
		f.nodes[dir] = fileNode{info: sim.FileInfo{Kind: sim.Directory}}
	}
}

// resolve walks a path as the kernel does: every component but the last must be a directory.
func (f *siteFiles) resolve(name string) (fileNode, bool) {
	at := ""
	node := fileNode{info: sim.FileInfo{Kind: sim.Directory}}
	for part := range strings.SplitSeq(name, "/") {
		if node.info.Kind != sim.Directory {
			return fileNode{}, false // also for a slash behind a file
		}
		switch part {
		case "", ".":
			continue
		case "..":
			at = path.Dir("/" + at)
			if at == "/" {
				at = ""
			}
			continue
		}
		at += "/" + part
		switch inside, known := f.nodes[at]; {
		case known:
			node = inside
			if node.target != "" {
				goal, ok := f.nodes[node.target]
				if !ok {
					return fileNode{info: sim.FileInfo{Link: true}}, false
				}
				node = goal
				node.info.Link = true
			}
		case strings.HasPrefix(at, f.dir+"/"), at == f.dir:
			return fileNode{}, false
		default:
			node = diskNode(at)
			if node.info.Kind == sim.NoFile {
				return node, false
			}
		}
	}
	return node, true
}

// diskNode looks at the machine the tests run on, with the eyes of a user that is not root.
func diskNode(name string) fileNode {
	info, err := os.Stat(name)
	if err != nil {
		return fileNode{}
	}
	out := sim.FileInfo{Size: info.Size(), Executable: info.Mode()&0o111 != 0}
	switch {
	case info.IsDir():
		out.Kind = sim.Directory
		out.Unreadable = info.Mode()&0o001 == 0
	case info.Mode().IsRegular():
		out.Kind = sim.Regular
		out.Unreadable = info.Mode()&0o004 == 0
	default:
		out.Kind = sim.Special
	}
	if link, err := os.Lstat(name); err == nil && link.Mode()&fs.ModeSymlink != 0 {
		out.Link = true
	}
	return fileNode{info: out}
}

// Stat knows every path.
func (f *siteFiles) Stat(name string) (sim.FileInfo, bool) {
	node, ok := f.resolve(name)
	if !ok {
		return sim.FileInfo{Link: node.info.Link}, true
	}
	return node.info, true
}

// ReadFile reads files of the site; of others it says that there are none.
func (f *siteFiles) ReadFile(name string) ([]byte, error) {
	if node, ok := f.resolve(name); ok && node.info.Kind == sim.Regular && strings.HasPrefix(path.Clean(name), f.dir) {
		return []byte(node.text), nil
	}
	return nil, fs.ErrNotExist
}

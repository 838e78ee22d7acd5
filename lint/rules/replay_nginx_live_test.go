package rules

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"rewright/lint"
	"rewright/parser/ir"
	"rewright/parser/source"
)

// TestLiveReplayNginx puts texts of the corpus that are the inside of http {}, server {} or location {} into a real nginx and sends it
// the requests that the findings carry: every answer must be the one the witness says.
func TestLiveReplayNginx(t *testing.T) {
	nginx := program(t, "nginx")
	texts := corpusTexts(t, "nginx-accepts.tsv", 2)
	root := liveFolder(t)
	writeCertificate(t, root)
	contexts := map[string]ir.Context{"http": ir.ContextHTTP, "server": ir.ContextServer, "location": ir.ContextLocation}
	var inputs []lint.Input
	docroots, byName := map[string]string{}, map[string]corpusText{}
	for i, c := range texts {
		if contexts[c.context] == "" {
			continue
		}
		dir := filepath.Join(root, fmt.Sprintf("%04d", i))
		docroots[c.name], byName[c.name] = dir, c
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		inputs = append(inputs, lint.Input{File: source.NewFile(c.name, c.text), Server: ir.Nginx, Context: contexts[c.context], Docroot: dir, Files: diskFiles{}})
	}
	findings := witnessesOf(t, inputs)
	table := replayTable{}
	for _, in := range inputs {
		list := findings[in.File.Name]
		if len(list) == 0 {
			continue
		}
		pool := &portPool{}
		site := &nginxReplay{root: root, docroot: docroots[in.File.Name], in: in, ports: map[int]int{}}
		for _, port := range []int{80, 443} {
			site.ports[port] = pool.next(t)
		}
		for _, d := range lint.Load(in).Named("listen") {
			if n := listenPort(d.Arg(0)); n > 0 && site.ports[n] == 0 {
				site.ports[n] = pool.next(t)
			}
		}
		host := "example.test"
		for _, x := range list {
			if len(x.hops) > 0 {
				host, _, _ = strings.Cut(x.hops[0].host, ":")
				break
			}
		}
		conf, first, ok := site.config(host)
		pool.close()
		prefix := site.docroot + ".conf"
		cannot := ""
		var stop func()
		if !ok {
			cannot = "its sockets cannot be moved to other ports"
		} else if err := site.write(prefix, conf); err != nil {
			t.Fatal(err)
		} else if stop, err = serve(exec.Command(nginx, "-p", prefix, "-e", prefix+"/error.log", "-c", prefix+"/nginx.conf"), first); err != nil {
			cannot = "nginx does not start with it here"
		}
		for _, x := range list {
			if x.cannot == "" {
				x.cannot = cannot
			}
			for i := range x.hops {
				h := &x.hops[i]
				if name, _, _ := strings.Cut(h.host, ":"); x.cannot == "" && (site.ports[h.port] == 0 || in.Context != ir.ContextHTTP && name != host) {
					x.cannot = "it asks for another host or port than the text is given"
				}
			}
			replayOne(t, table, x, site.docroot, func(h *replayHop) int { return site.ports[h.port] })
		}
		if stop != nil {
			stop()
		}
	}
	t.Logf("nginx\n%s", table)
	table.enough(t)
}

// nginxReplay is one text of the corpus on real ports.
type nginxReplay struct {
	root, docroot string
	in            lint.Input
	ports         map[int]int // real by logical
}

// listenPort is the port of a listen; 0 when it is none of IPv4.
func listenPort(arg string) int {
	if strings.HasPrefix(arg, "[") || strings.HasPrefix(arg, "unix:") {
		return 0
	}
	n, rest := atoi(arg[strings.LastIndexByte(arg, ':')+1:])
	if rest != "" {
		return 80
	}
	return n
}

// config is the whole configuration around the text, and a port it listens on. The sockets, certificates and logs of the
// text are moved to where they can be.
func (s *nginxReplay) config(host string) (conf string, first int, ok bool) {
	u := lint.Load(s.in)
	var edits []source.Edit
	listens := map[*lint.Directive]bool{}
	for _, d := range u.Directives {
		if d.File != s.in.File {
			return "", 0, false
		}
		switch {
		case d.Is("listen"):
			n := listenPort(d.Arg(0))
			if n == 0 {
				edits = append(edits, source.Edit{Span: d.Line})
				continue
			}
			listens[d.Parent] = true
			first = s.ports[n]
			text := fmt.Sprintf("listen 127.0.0.1:%d", s.ports[n])
			for _, a := range d.Args[1:] {
				if a.Text == "ssl" || a.Text == "default_server" {
					text += " " + a.Text
				}
			}
			edits = append(edits, source.Edit{Span: d.Line, Text: text + ";"})
		case d.Is("ssl_certificate"):
			edits = append(edits, source.Edit{Span: d.Line, Text: "ssl_certificate " + s.root + "/cert.pem;"})
		case d.Is("ssl_certificate_key"):
			edits = append(edits, source.Edit{Span: d.Line, Text: "ssl_certificate_key " + s.root + "/key.pem;"})
		case d.Is("access_log", "error_log", "ssl_dhparam", "ssl_trusted_certificate"):
			edits = append(edits, source.Edit{Span: d.Line})
		}
	}
	for _, d := range u.Directives {
		if d.Is("server") && d.Section && !listens[d] && s.in.Context == ir.ContextHTTP && (d.Parent == nil || !d.Parent.Is("upstream")) {
			first = s.ports[80]
			edits = append(edits, source.Insert(d.Body.Start, fmt.Sprintf(" listen 127.0.0.1:%d; ", first))...)
		}
	}
	out, err := source.Apply(s.in.File.Text, edits)
	if err != nil {
		return "", 0, false
	}
	text := string(out)
	if s.in.Context == ir.ContextLocation {
		text = "location / {\n" + text + "\n}\n"
	}
	if s.in.Context != ir.ContextHTTP {
		text = "\n" + text + "\n}\n"
		if !listens[nil] {
			first = s.ports[80]
			text = fmt.Sprintf("listen 127.0.0.1:%d;\nlisten 127.0.0.1:%d ssl;\n", first, s.ports[443]) + text
		}
		text = "server {\nserver_name " + host + ";\n" + text
	}
	return "daemon off;\nmaster_process off;\npid nginx.pid;\nevents {}\nhttp {\nroot " + s.docroot + ";\naccess_log off;\nport_in_redirect off;\n" +
		"client_body_temp_path t1; proxy_temp_path t2; fastcgi_temp_path t3; uwsgi_temp_path t4; scgi_temp_path t5;\n" +
		"ssl_certificate " + s.root + "/cert.pem;\nssl_certificate_key " + s.root + "/key.pem;\n" + text + "\n}\n", first, first > 0
}

func (s *nginxReplay) write(prefix, conf string) error {
	if err := os.MkdirAll(prefix, 0o755); err != nil {
		return err
	}
	return os.WriteFile(prefix+"/nginx.conf", []byte(conf), 0o644)
}

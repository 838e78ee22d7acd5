package live

import (
	"fmt"
	"io/fs"
	"path/filepath"
	syntax "rewright/parser/nginx"
	"strings"

	"rewright/parser/ir"
	"rewright/parser/sim"
	"rewright/parser/sim/nginx"
	"rewright/parser/source"
)

// simulateNginx asks the simulator: sites with an http part as a whole nginx.conf, the others by turns as that and
// as the inside of a server {}.
func simulateNginx(s *site) reply {
	return guarded(s, func() (sim.Simulator, error) {
		env := syntax.Env{Context: ir.ContextMain, Open: func(name string) (*source.File, error) {
			base := strings.TrimSuffix(filepath.Base(name), ".conf")
			if text, ok := s.Config[base]; ok && filepath.Dir(name) == s.dir {
				return source.NewFile(name, []byte(s.fill(text))), nil
			}
			return nil, fs.ErrNotExist
		}}
		text := "events {}\nhttp {\nport_in_redirect off;\nroot /usr/share/nginx/html;\nmap_hash_bucket_size 128;\n" + s.block(80, 443) + "}\n"
		if _, http := s.Config["http"]; !http && s.Seed%2 == 0 && !ownRoot.MatchString(s.Config["server"]) {
			env.Context, text = ir.ContextServer, s.fill(s.Config["server"])
		}
		program := syntax.Lower(syntax.Read(source.NewFile("nginx.conf", []byte(text)), env))
		simulator, err := nginx.New(program, &sim.World{Files: newSiteFiles(s), DocumentRoot: s.docroot(), ServerName: "example.test"})
		if err == nil {
			simulator.(nginx.Backends).SetBackend(func(p nginx.Passed) *nginx.Response {
				if p.Kind != "proxy_pass" {
					return nil
				}
				status, location, body := backendAnswer(p.Method, p.Target, p.Host)
				return &nginx.Response{Status: status, Location: location, Body: body}
			})
		}
		return simulator, err
	}, nginxAnswer)
}

// nginxAnswer turns an outcome into what could be seen of it.
func nginxAnswer(s *site, r sim.Request, o sim.Outcome) answer {
	a := answer{Status: o.Status, Location: o.Location, Closed: o.Closed, URI: o.URI, Query: o.Query, File: o.Filename}
	if a.Location != nil {
		// What stands behind a line end is a header of its own to whoever reads the answer.
		location, rest, isCut := strings.Cut(*a.Location, "\r\n")
		a.Location = &location
		if name, value, ok := strings.Cut(rest, ":"); ok && isCut {
			o.Header = append(o.Header, [2]string{name, strings.TrimSpace(value)})
		}
	}
	switch {
	case r.Method == "HEAD" || o.Closed:
	case o.Body != nil:
		a.Body = o.Body
	case o.File != "":
		if text, err := newSiteFiles(s).ReadFile(o.File); err == nil {
			body := string(text)
			a.Body = &body
		}
	case o.Status == 200 && !strings.HasSuffix(o.URI, "/"): // a listing's text is not part of an outcome
		a.Body = new(string)
	}
	if a.Body != nil && len(*a.Body) >= maxBody {
		a.Body = nil
	}
	a.Header = shown(s, o)
	return a
}

// shown are the headers of an outcome that the site compares.
func shown(s *site, o sim.Outcome) map[string][]string {
	out := map[string][]string{}
	for _, name := range s.Show {
		for _, h := range o.Header {
			if strings.EqualFold(h[0], name) {
				out[name] = append(out[name], h[1])
			}
		}
		out[name] = timeless(out[name])
	}
	return out
}

// guarded makes a simulator and asks it every request of the site; what panics is an answer, too.
func guarded(s *site, make func() (sim.Simulator, error), see func(*site, sim.Request, sim.Outcome) answer) (out reply) {
	var simulator sim.Simulator
	failed := func() (text string) {
		defer func() {
			if p := recover(); p != nil {
				text = fmt.Sprint(p)
			}
		}()
		var err error
		if simulator, err = make(); err != nil {
			out.Refused = err.Error()
		}
		return ""
	}()
	if out.Refused != "" {
		return out
	}
	for _, r := range s.Requests {
		one := answer{Panic: failed}
		if failed == "" {
			one = guardedAnswer(s, r, simulator, see)
		}
		out.Answers = append(out.Answers, one)
	}
	return out
}

func guardedAnswer(s *site, r sim.Request, simulator sim.Simulator, see func(*site, sim.Request, sim.Outcome) answer) (one answer) {
	defer func() {
		if p := recover(); p != nil {
			one = answer{Panic: fmt.Sprint(p)}
		}
	}()
	r.Header = append(append([][2]string{}, r.Header...), [2]string{"Connection", "close"})
	o := simulator.Answer(r, false)
	one = see(s, r, o)
	one.Seen = o.Location == nil
	one.Passed = o.PassedTo != "" && o.Status == 0
	if !o.Known {
		one.Unknown = append([]string{}, o.Unknown...)
	}
	if one.Passed && one.Unknown == nil {
		one.Unknown = []string{"passed on to another server"}
	}
	return one
}

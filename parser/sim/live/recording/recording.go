// Package recording reads recorded configurations of real servers and the requests that were put to them, for tests.
package recording

import (
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"sort"
	"strings"

	"rewright/parser/sim"
)

// Case is a configuration with what its server answered.
type Case struct {
	ID       string            `json:"id"`
	Config   map[string]string `json:"config"`
	Files    []string          `json:"files"` // below the document root; folders end in a slash
	Requests []Request         `json:"requests"`
	Expect   []map[string]any  `json:"expect"`
	Refused  string            `json:"expect_error"`
}

// Request is one request as it was recorded.
type Request struct {
	Method, Scheme, Target, Body, Version string
	Host                                  *string // nil: no Host header
	Port                                  int
	Headers                               json.RawMessage
}

// Read reads a file of cases.
func Read(file string) ([]Case, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var list []Case
	if err := json.Unmarshal(text, &list); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return list, nil
}

// Sim is the request for a simulator or for the wire; headers given as an object come in the order of their names.
func (r *Request) Sim() (sim.Request, error) {
	out := sim.Request{Method: r.Method, Scheme: r.Scheme, Target: r.Target, Body: r.Body, Version: r.Version, Port: r.Port, NoHost: r.Host == nil}
	if r.Host != nil {
		out.Host = *r.Host
	}
	if len(r.Headers) == 0 || json.Unmarshal(r.Headers, &out.Header) == nil {
		return out, nil
	}
	out.Header = nil
	var object map[string]string
	if err := json.Unmarshal(r.Headers, &object); err != nil {
		return out, err
	}
	for name, value := range object {
		out.Header = append(out.Header, [2]string{name, value})
	}
	sort.Slice(out.Header, func(i, j int) bool { return out.Header[i][0] < out.Header[j][0] })
	return out, nil
}

// Place is what the placeholders of a configuration stand for.
type Place struct {
	Root, Dir, Prefix string // document root, the folder above it, nginx's prefix
	Plain, TLS, Alt   string // addresses for the ports 80, 443 and 8080
	Upstream, FastCGI string // addresses of backends
}

var (
	logs  = regexp.MustCompile(`(?m)\b(access|error)_log\s[^;\n]*;`)
	named = func(word string) *regexp.Regexp { return regexp.MustCompile(`(?m)^` + word + `\s`) }
)

// Nginx is the inside of http {} of a case of nginx, without its logs; what a server does not say itself (listen, server_name,
// root) is put in as the recording did.
func (c *Case) Nginx(p Place) string {
	words := strings.NewReplacer("__ROOT__", p.Root, "__DIR__", p.Dir, "__PORT2__", p.Alt, "__PORT__", p.Plain, "__SSLPORT__", p.TLS,
		"__UPSTREAM__", p.Upstream, "__FASTCGI__", p.FastCGI, "__PREFIX__", p.Prefix)
	server, isServer := c.Config["server"]
	location, isLocation := c.Config["location"]
	text := c.Config["http"]
	if isLocation {
		server = "location / {\n" + location + "}\n"
	}
	if isServer || isLocation {
		text += "server {\n"
		if !named("listen").MatchString(server) {
			text += "listen __PORT__;\n"
			for _, r := range c.Requests {
				if r.Scheme == "https" {
					text += "listen __SSLPORT__ ssl;\n"
					break
				}
			}
		}
		if !named("server_name").MatchString(server) {
			text += "server_name example.test;\n"
		}
		if !named("root").MatchString(server) {
			text += "root __ROOT__;\n"
		}
		text += server + "}\n"
	}
	return words.Replace(logs.ReplaceAllString(text, ""))
}

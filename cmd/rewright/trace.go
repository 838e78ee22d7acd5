package main

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"sync"

	"rewright/parser"
	"rewright/parser/ir"
	"rewright/parser/load"
	"rewright/parser/sim"
)

const traceUsage = `rewright trace: what the server answers to a request, step by step

  rewright trace .htaccess https://example.com/old?id=7
  rewright trace --follow --docroot public nginx.conf http://example.com/
  rewright trace --json --requests requests.jsonl /var/www/html

usage: rewright trace [flags] CONFIG URL
       rewright trace [flags] --requests FILE CONFIG

CONFIG is a file, - for standard input, a document root whose .htaccess files apply as Apache reads them, or
the folder of a server's configuration. URL is absolute, or a path on the server's own name.
FILE has one JSON request a line: {"method","scheme","host","port","target","headers","version","body"};
each is answered by one line, in order. A host of null sends no Host header; the target is sent as it stands.

Exit status: 0 answered, 1 the redirects go round in a circle (--follow), 2 usage error, unreadable or bad
input, or a configuration that the server refuses to start with.
`

// traceFlags are the flags of trace.
type traceFlags struct {
	formatFlags
	world    worldFlags
	method   string
	headers  []string
	body     string
	version  string
	follow   bool
	json     bool
	steps    bool
	requests string
}

// tracer is a configuration in its world, ready to answer.
type tracer struct {
	flags  *traceFlags
	loaded *load.Loaded
	world  *sim.World
	named  bool // --host was said
	// nameless is set when an answer can depend on what the server is called and the text does not say it.
	nameless bool
	mu       sync.Mutex
	byHost   map[string]sim.Simulator // by assumed name of the server
	primary  sim.Simulator
}

func runTrace(a *app, args []string) int {
	f := &traceFlags{}
	fs := a.flags("trace", traceUsage)
	fs.BoolVar(&f.follow, "follow", false, "follow redirects as long as they stay on hosts of this configuration")
	fs.BoolVar(&f.json, "json", false, "answer in JSON")
	fs.BoolVar(&f.steps, "steps", false, "every comparison, also of rules that do not apply; with --requests --json: steps at all")
	fs.StringVarP(&f.method, "method", "X", "GET", "request `METHOD`")
	fs.StringArrayVarP(&f.headers, "header", "H", nil, "`'Name: value'` of a request header, repeatable; Host replaces the URL's")
	fs.StringVar(&f.body, "body", "", "request `BODY`")
	fs.StringVar(&f.version, "http-version", "1.1", "`VERSION` of HTTP, 1.1 or 1.0")
	fs.StringVar(&f.requests, "requests", "", "`FILE` of requests, one JSON object a line; - is standard input")
	f.formatFlags.register(fs)
	f.world.register(fs)
	if status, done := a.parse(fs, args); done {
		return status
	}
	want := 2
	if f.requests != "" {
		want = 1
	}
	switch rest := fs.Args(); {
	case len(rest) == 0:
		return a.fail("trace wants a configuration and a URL: rewright trace .htaccess https://example.com/old")
	case len(rest) < want:
		return a.fail("trace wants a URL after %q: rewright trace %s https://example.com/old", rest[0], rest[0])
	case len(rest) > want && f.requests != "":
		return a.fail("with --requests trace wants the configuration alone, but found %q too", rest[1])
	case len(rest) > want:
		return a.fail("trace wants one configuration and one URL, but found %q too; quote a URL that has & or blanks in it", rest[2])
	case f.requests == "-" && rest[0] == "-":
		return a.fail("standard input cannot be both the configuration and the requests")
	case f.requests != "" && f.follow:
		return a.fail("--follow explains one URL; it does not go with --requests")
	}
	var request sim.Request
	if f.requests == "" {
		var err error
		if request, err = f.request(fs.Arg(1)); err != nil {
			return a.fail("%v", err)
		}
	}
	t, err := a.newTracer(f, fs.Arg(0), request)
	switch {
	case errors.Is(err, sim.ErrRefused):
		fmt.Fprintf(a.err, "%v\n", err)
		return exitUsage
	case err != nil:
		return a.fail("%v", err)
	}
	if f.requests != "" {
		return a.traceMany(t)
	}
	return a.traceOne(t, request)
}

// request makes the request that URL and flags describe.
func (f *traceFlags) request(url string) (sim.Request, error) {
	r, err := splitURL(url)
	if err != nil {
		return r, err
	}
	r.Method, r.Body, r.Version = f.method, f.body, strings.TrimPrefix(f.version, "HTTP/")
	if r.Method == "" || strings.ContainsAny(r.Method, " \t\r\n") {
		return r, fmt.Errorf("%q is no request method", f.method)
	}
	if r.Host == "" {
		if r.Host = f.world.Host; r.Host == "" {
			r.Host = "localhost"
		}
	}
	for _, h := range f.headers {
		name, value, ok := strings.Cut(h, ":")
		if !ok || name == "" || strings.ContainsAny(name, " \t\r\n") || strings.ContainsAny(value, "\r\n") {
			return r, fmt.Errorf("--header wants 'Name: value', not %q", h)
		}
		value = strings.Trim(value, " \t")
		if strings.EqualFold(name, "Host") {
			r.Host = value
			continue
		}
		r.Header = append(r.Header, [2]string{name, value})
	}
	return r, nil
}

// newTracer loads the configuration and makes its simulator. For a single request its host is what the server
// around the text is taken to be called.
func (a *app) newTracer(f *traceFlags, config string, request sim.Request) (*tracer, error) {
	if err := f.world.finish(a.environ); err != nil {
		return nil, err
	}
	o, err := f.options()
	if err != nil {
		return nil, err
	}
	o.Defines, o.Environ, o.HasModule = f.world.Define, f.world.Env, f.world.hasModule()
	l, folder, err := a.readConfig(config, f.world.Docroot, o)
	if err != nil {
		return nil, err
	}
	w, err := f.world.build(l, folder, a.now())
	if err != nil {
		return nil, err
	}
	if f.requests != "" {
		w.Files = &remembered{FileSystem: w.Files}
	}
	t := &tracer{flags: f, loaded: l, world: w, named: w.ServerName != "", nameless: nameless(l), byHost: map[string]sim.Simulator{}}
	if !t.named {
		w.ServerName = "example.test"
		if name := hostName(request.Host); f.requests == "" && name != "" {
			w.ServerName = name
		}
	}
	t.primary, err = parser.NewSimulator(l.Program, w)
	return t, err
}

// hostName is the name in a Host header: no port, no final dot, lower case.
func hostName(host string) string {
	name, _, err := splitPort(host)
	if err != nil {
		return ""
	}
	return strings.ToLower(strings.TrimSuffix(name, "."))
}

// answer asks one request. When nobody said what the server is called, and the answer would be another one if
// it were called as the request calls it, the answer is not known.
func (t *tracer) answer(r sim.Request, trace bool) sim.Outcome {
	o := safely(t.primary, r, trace)
	name := hostName(r.Host)
	if t.named || !t.nameless || name == "" || name == t.world.ServerName || !o.Known {
		return o
	}
	other, ok := t.called(name)
	if !ok {
		return o
	}
	if p := safely(other, r, false); p.Status != o.Status || text(p.Location) != text(o.Location) || p.URI != o.URI || p.Query != o.Query {
		o.Known = false
		o.Unknown = append(o.Unknown, fmt.Sprintf("the answer depends on the name of the server, %s or %s: say --host", t.world.ServerName, name))
	}
	return o
}

func text(s *string) string {
	if s == nil {
		return "\x00"
	}
	return *s
}

// nameless tells whether the text leaves the name of its server to its surroundings and can depend on it: by an
// absolute URL, which httpd takes apart when it names the server itself, or by asking for the name.
func nameless(l *load.Loaded) bool {
	switch c := l.Detected.Context; {
	case c == ir.ContextHtaccess, c == ir.ContextVhost, c == ir.ContextLocation:
	case c == ir.ContextServer && l.Program.Server == ir.Nginx:
	default:
		return false
	}
	for _, f := range l.Program.Files {
		text := bytes.ToLower(f.Text)
		for _, sign := range []string{"://", "server_name", "usecanonicalname"} {
			if bytes.Contains(text, []byte(sign)) {
				return true
			}
		}
	}
	return false
}

// called is the simulator of the same configuration on a server of another name.
func (t *tracer) called(name string) (sim.Simulator, bool) {
	const most = 64 // simulators kept; hosts beyond are answered under the first name alone
	t.mu.Lock()
	defer t.mu.Unlock()
	if s, ok := t.byHost[name]; ok {
		return s, s != nil
	}
	if len(t.byHost) >= most {
		return nil, false
	}
	w := *t.world
	w.ServerName = name
	s, err := parser.NewSimulator(t.loaded.Program, &w)
	if err != nil {
		s = nil
	}
	t.byHost[name] = s
	return s, s != nil
}

func (a *app) traceMany(t *tracer) int {
	in, err := a.requestsOf(t.flags.requests)
	if err != nil {
		return a.fail("%v", err)
	}
	defer in.Close()
	server := t.loaded.Program.Server
	bad, err := batch(in, a.out, func(line []byte, err error) ([]byte, bool) {
		var r sim.Request
		if err == nil {
			r, err = parseRequest(line, server, t.world.ServerName)
		}
		if err != nil {
			if t.flags.json {
				return encode(failure(err)), true
			}
			return []byte("error: " + err.Error() + "\n"), true
		}
		o := t.answer(r, t.flags.steps || !t.flags.json)
		if t.flags.json {
			return encode(newAnswer(&o, server, t.world.DocumentRoot)), false
		}
		return []byte(oneLine(r, &o) + "\n"), false
	})
	if err != nil {
		return a.fail("--requests %s: %v", t.flags.requests, err)
	}
	if bad > 0 {
		return a.fail("%d of the lines in %s are no requests", bad, t.flags.requests)
	}
	return exitOK
}

func (a *app) traceOne(t *tracer, r sim.Request) int {
	if t.flags.follow {
		return a.follow(t, r)
	}
	o := t.answer(r, true)
	if t.flags.json {
		_, err := a.out.Write(encode(newAnswer(&o, t.loaded.Program.Server, t.world.DocumentRoot)))
		return a.written(err)
	}
	p := a.printer(t)
	p.request(r, &o)
	p.steps(o.Steps)
	p.answer(r, &o)
	return a.written(p.flush())
}

// written turns an error of writing the answer into an exit status.
func (a *app) written(err error) int {
	if err != nil {
		return a.fail("write: %v", err)
	}
	return exitOK
}

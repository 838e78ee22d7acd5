package value_test

import (
	"testing"

	"rewright/parser/apache"
	"rewright/parser/ir"
	"rewright/parser/nginx"
	"rewright/parser/pattern"
	"rewright/parser/sim"
	"rewright/parser/sim/httpd"
	simnginx "rewright/parser/sim/nginx"
	"rewright/parser/source"
	"rewright/parser/value"
)

func program(server ir.Server, context ir.Context, text string) *ir.Program {
	f := source.NewFile("file", []byte(text))
	if server == ir.Nginx {
		return nginx.Lower(nginx.Read(f, nginx.Env{Context: context}))
	}
	c := apache.Read(apache.Parse(f), apache.Env{Context: context})
	if context == ir.ContextHtaccess {
		return apache.NewHtaccessProgram(apache.LowerHtaccess(c, "/srv/www"))
	}
	return apache.Lower(c)
}

func simulator(t *testing.T, p *ir.Program) sim.Simulator {
	t.Helper()
	w := sim.World{Files: sim.NoFiles{Root: "/srv/www"}, DocumentRoot: "/srv/www"}
	var s sim.Simulator
	var err error
	if p.Server == ir.Nginx {
		s, err = simnginx.New(p, &w)
	} else {
		s, err = httpd.New(p, &w)
	}
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestImageHoldsAnswers: the Location that a server sends for a request belongs to the image of the rule, and is
// among its shortest words where the image is exact. The texts need no escaping.
func TestImageHoldsAnswers(t *testing.T) {
	for _, c := range []struct {
		name    string
		server  ir.Server
		context ir.Context
		text    string
		want    string // pattern of the image
		exact   bool
		targets []string
	}{
		{"prefix kept", ir.Apache, ir.ContextHtaccess, "RewriteEngine On\nRewriteRule ^ref(.*)$ https://x.example$1 [R=302,L]\n",
			"^https://x[.]example", true, []string{"/ref", "/ref.evil.test", "/ref/a"}},
		{"slash of a server", ir.Apache, ir.ContextVhost, "RewriteEngine On\nRewriteRule ^(.*)$ https://x.example$1 [R=302,L]\n",
			"^https://x[.]example/", true, []string{"/", "/a/b"}},
		{"guarded group", ir.Apache, ir.ContextHtaccess, "RewriteEngine On\nRewriteRule ^ref(/.*)?$ https://x.example$1 [R=302,L]\n",
			"^https://x[.]example(/.*)?$", false, []string{"/ref", "/ref/a"}},
		{"REQUEST_URI", ir.Apache, ir.ContextHtaccess, "RewriteEngine On\nRewriteRule ^ https://x.example%{REQUEST_URI} [R=302,L]\n",
			"^https://x[.]example/", true, []string{"/", "/ref/a"}},
		{"group of a condition", ir.Apache, ir.ContextHtaccess, "RewriteEngine On\nRewriteCond %{QUERY_STRING} ^id=([0-9]+)$\nRewriteRule ^p$ https://x.example/i/%1? [R=302,L]\n",
			"^https://x[.]example/i/[0-9]+$", false, []string{"/p?id=7", "/p?id=42"}},
		{"last condition", ir.Apache, ir.ContextHtaccess, "RewriteEngine On\nRewriteCond %{QUERY_STRING} ^a(.)$ [OR]\nRewriteCond %{QUERY_STRING} ^b(..)$\nRewriteCond %{REQUEST_METHOD} !^POST$\nRewriteRule ^p$ https://x.example/%1? [R=302,L]\n",
			"^https://x[.]example/(|[^#]|[^#][^#])$", false, []string{"/p?ax", "/p?byz"}},
		{"location", ir.Nginx, ir.ContextServer, "location ~ ^/go(.*)$ { return 301 https://x.example$1; }\n",
			`^https://x[.]example[^\n\x00]*$`, true, []string{"/go", "/go.evil.test", "/go/a"}},
		{"rewrite", ir.Nginx, ir.ContextServer, "rewrite ^/go/([a-z]+)$ https://x.example/$1 permanent;\n",
			`^https://x[.]example/[a-z]+$`, true, []string{"/go/abc"}},
		{"if", ir.Nginx, ir.ContextServer, "if ($host ~ ^www[.](.+)$) { return 301 https://$1/; }\n",
			`^https://[^\nA-Z\x20/]+/$`, true, []string{"/"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := program(c.server, c.context, c.text)
			s := simulator(t, p)
			v := value.New(c.server, 20000)
			var image value.Image
			value.Walk(p, func(r *ir.Rule, at *value.Place) { image = v.Image(r, at) })
			options := pattern.Apache
			re, err := pattern.Compile(c.want, options)
			if err != nil {
				t.Fatal(err)
			}
			want, _ := v.Space.Subjects(re.Tree())
			if c.exact {
				if yes, witness, known := v.Space.Includes(want, image.Language); !yes || !known {
					t.Errorf("%q is too much", witness)
				}
			}
			if image.Exact != c.exact {
				t.Errorf("exact %v", image.Exact)
			}
			for _, target := range c.targets {
				o := s.Answer(sim.Request{Host: "www.example.com", Target: target}, false)
				if o.Location == nil {
					t.Errorf("%s: answered %d without Location", target, o.Status)
					continue
				}
				if yes, known := v.Space.Contains(image.Language, *o.Location); !yes || !known {
					t.Errorf("%s: %q is not in the image", target, *o.Location)
				}
				if ok, _ := re.MatchBool(*o.Location); !ok {
					t.Errorf("%s: %q does not match %s", target, *o.Location, c.want)
				}
			}
		})
	}
}

// TestVariablesHoldValues: what the simulators put into variables belongs to the languages of the tables.
func TestVariablesHoldValues(t *testing.T) {
	requests := []sim.Request{
		{Host: "www.example.com", Target: "/a/b?x=1"},
		{Host: "Example.com:8080", Target: "/%20x%3f?", Scheme: "https"},
		{Host: "a", Target: "/?a??b", Method: "POST", Port: 8081},
	}
	for _, server := range []ir.Server{ir.Apache, ir.Nginx} {
		names := []string{"REQUEST_URI", "QUERY_STRING", "HTTP_HOST", "HTTPS", "REQUEST_SCHEME", "REQUEST_METHOD", "THE_REQUEST", "SERVER_PORT",
			"REMOTE_ADDR", "SERVER_PROTOCOL", "IS_SUBREQ"}
		if server == ir.Nginx {
			names = []string{"uri", "document_uri", "args", "request_uri", "host", "http_host", "scheme", "https", "is_args", "request_method",
				"request", "server_port", "remote_addr", "server_protocol", "arg_x"}
		}
		for _, name := range names {
			text := "RewriteEngine On\nRewriteCond %{" + name + "} ^(.*)$\nRewriteRule ^ - [E=v:%1]\n"
			context := ir.ContextHtaccess
			if server == ir.Nginx {
				text, context = "if ($"+name+" ~ nothing-matches) { return 404; }\n", ir.ContextServer
			}
			p := program(server, context, text)
			s := simulator(t, p)
			for _, usual := range []bool{false, true} {
				v := value.New(server, 20000)
				v.Usual = usual
				l, known := v.Variable(&ir.Part{Kind: ir.Variable, Name: name})
				if !known {
					t.Errorf("%s is not in the table", name)
				}
				for i, r := range requests {
					if usual && i > 0 {
						continue
					}
					tested := false
					for _, step := range s.Answer(r, true).Steps {
						if step.Kind != sim.StepCondition {
							continue
						}
						tested = true
						if yes, _ := v.Space.Contains(l, step.Input); !yes {
							t.Errorf("%s: %q is a value of request %d", name, step.Input, i)
						}
					}
					if !tested {
						t.Errorf("%s: no condition was tested", name)
					}
				}
			}
		}
	}
}

package live

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"rewright/parser/sim"
)

// recordedCase is a case of testdata/sim, as far as these servers can play it.
type recordedCase struct {
	ID       string
	Config   map[string]string
	Files    []string
	Modules  []string
	Show     []string
	Requests []struct {
		Method, Scheme, Target, Version, Body string
		Host                                  json.RawMessage // absent: example.test; null: none is sent
		Port                                  int
		Headers                               json.RawMessage
		Show, Want                            []string
	}
	Expect []struct {
		Status               int
		Location             *string
		URI, Query           *string
		File, Filename, Body *string
		PathInfo             string `json:"path_info"`
		Headers              map[string][]string
		Closed               bool
	}
	ExpectError string `json:"expect_error"`
}

// rawByte is how nginx's recordings write a byte that is no UTF-8.
var rawByte = regexp.MustCompile(`\\x[0-9a-f]{2}`)

// latin1 turns characters into the bytes that Apache's recordings mean by them.
func latin1(s string) string {
	var b []byte
	for _, r := range s {
		b = append(b, byte(r))
	}
	return string(b)
}

// recordedSites reads the cases that the harness can play: one vhost or server each, ports 80 and 443.
func recordedSites(t *testing.T, folder string) (cases []recordedCase, sites []*site) {
	names, err := filepath.Glob(filepath.Join("../../../testdata/sim", folder, "*.json"))
	if err != nil || len(names) == 0 {
		t.Fatalf("no recorded cases: %v", err)
	}
	for _, name := range names {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		var list []recordedCase
		if err := json.Unmarshal(data, &list); err != nil {
			t.Fatalf("read %s: %v", name, err)
		}
		for _, c := range list {
			s := &site{Config: map[string]string{}, Files: c.Files, Alone: true}
			playable := c.Modules == nil && len(c.Requests) > 0
			for name, text := range c.Config {
				text = strings.ReplaceAll(strings.ReplaceAll(text, "__ROOT__", "@DOCROOT@"), "@CASE@", "@DIR@")
				own := strings.HasPrefix(text, "listen ") || strings.Contains(text, "\nlisten ") || strings.Contains(text, "server_name ")
				playable = playable && name != "main" && name != "vhost-ssl" && name != "location" && !strings.Contains(text, "__") &&
					!strings.Contains(text, "Define") && !strings.Contains(text, "ORACLE_ENV") && !(folder == "nginx" && (own || name != "server"))
				s.Config[name] = text
			}
			for _, r := range c.Requests {
				one := sim.Request{Method: r.Method, Scheme: r.Scheme, Target: r.Target, Body: r.Body, Version: strings.TrimPrefix(r.Version, "HTTP/")}
				if folder == "apache" {
					one.Target = latin1(r.Target)
				}
				switch one.NoHost = string(r.Host) == "null"; {
				case r.Host == nil:
					one.Host = "example.test"
				case !one.NoHost:
					if err := json.Unmarshal(r.Host, &one.Host); err != nil {
						t.Fatalf("%s: host: %v", c.ID, err)
					}
				}
				playable = playable && r.Port == 0
				var pairs [][2]string
				if json.Unmarshal(r.Headers, &pairs) != nil {
					var object map[string]string
					json.Unmarshal(r.Headers, &object)
					for _, k := range sortedNames(object) {
						pairs = append(pairs, [2]string{k, latin1(object[k])})
					}
				}
				one.Header = pairs
				s.Show = append(append(s.Show, r.Show...), r.Want...)
				s.Requests = append(s.Requests, one)
			}
			if s.Show = append(s.Show, c.Show...); playable && len(c.Expect) == len(c.Requests) {
				cases, sites = append(cases, c), append(sites, s)
			}
		}
	}
	return cases, sites
}

// TestRecorded plays the recorded cases on the installed servers. It holds the harness itself to the recordings,
// and shows where an installed server of another version has moved on.
func TestRecorded(t *testing.T) {
	t.Run("apache", func(t *testing.T) { playRecorded(t, newApache(t), "apache") })
	t.Run("nginx", func(t *testing.T) { playRecorded(t, newNginx(t), "nginx") })
}

func playRecorded(t *testing.T, srv server, folder string) {
	cases, sites := recordedSites(t, folder)
	replies, err := srv.run(sites)
	if err != nil {
		t.Fatal(err)
	}
	played := 0
	for i, c := range cases {
		s := sites[i]
		if replies[i].Refused != "" {
			t.Errorf("%s: refused: %s", c.ID, replies[i].Refused)
			continue
		}
		for j, want := range c.Expect {
			played++
			got := replies[i].Answers[j]
			expected := answer{Status: want.Status, Seen: want.URI != nil, PathInfo: want.PathInfo, Location: want.Location, Closed: want.Closed}
			for _, f := range []struct{ from, to *string }{{want.URI, &expected.URI}, {want.Query, &expected.Query}, {want.File, &expected.File}, {want.Filename, &expected.File}} {
				if f.from != nil {
					*f.to = *f.from
				}
			}
			fill := func(text string) string {
				if folder == "apache" {
					text = latin1(text)
				} else {
					text = rawByte.ReplaceAllStringFunc(text, func(x string) string {
						n, _ := strconv.ParseUint(x[2:], 16, 8)
						return string([]byte{byte(n)})
					})
				}
				return s.fill(strings.ReplaceAll(strings.ReplaceAll(text, "__ROOT__", "@DOCROOT@"), "@CASE@", "@DIR@"))
			}
			expected.URI, expected.Query = fill(expected.URI), fill(expected.Query)
			expected.File, expected.PathInfo = fill(expected.File), fill(expected.PathInfo)
			if expected.Location != nil {
				filled := fill(*expected.Location)
				expected.Location = &filled
			}
			if folder == "nginx" {
				expected.File = ""
				switch {
				case want.Body != nil:
					text := fill(*want.Body)
					expected.Body = &text
				case want.File != nil:
					text := "file:" + *want.File + "\n"
					expected.Body = &text
				}
				if want.Filename != nil {
					expected.File = fill(*want.Filename)
				}
				if expected.Body == nil {
					got.Body = nil
				}
			}
			got.Header, got.Seen = nil, expected.Seen && got.Seen
			if what := difference(expected, got); what != "" {
				t.Errorf("%s, %s: %s differs\nrecorded: %s\nnow:      %s", c.ID, renderRequest(s.Requests[j]), what, s.clean(expected.String()), s.clean(got.String()))
			}
		}
	}
	if played < 500 {
		t.Errorf("only %d recorded requests could be played", played)
	}
	t.Logf("%d recorded requests of %d cases", played, len(cases))
}

package nginx

import (
	"fmt"
	"strings"

	"rewright/parser/diag"
)

// mapChecks follow src/http/modules/ngx_http_map_module.c, ngx_http_geo_module.c and ngx_http_split_clients_module.c.
var mapChecks = map[string]headCheck{
	"map": func(r *reader, cd *ConfigDirective, _ *frame) {
		if r.template(cd, cd.Args[0]) {
			r.defineWord(cd, cd.Args[1])
		}
	},
	"split_clients": func(r *reader, cd *ConfigDirective, _ *frame) {
		if r.template(cd, cd.Args[0]) {
			r.defineWord(cd, cd.Args[1])
		}
	},
	"geo": func(r *reader, cd *ConfigDirective, _ *frame) {
		name := cd.Args[len(cd.Args)-1]
		if len(cd.Args) == 2 {
			w := cd.Args[0]
			if !strings.HasPrefix(w.Text, "$") || len(w.Text) < 2 {
				r.invalid(cd, w, `invalid variable name "%s"`, w.Text)
				return
			}
			r.use(cd, strings.ToLower(w.Text[1:]), w.Span)
		}
		r.defineWord(cd, name)
	},
}

// entryBlock tells whether the lines of a block are no directives but entries that the block itself reads.
func entryBlock(context string) bool {
	switch context {
	case "map", "geo", "split_clients", "types", "charset_map":
		return true
	}
	return false
}

// entry reads one line of such a block.
func (r *reader) entry(cd *ConfigDirective, fr *frame) (included []*ConfigDirective) {
	if cd.Block != nil || cd.IsRaw {
		r.refuse(cd, cd.End, "RD029", "refused-argument", "opens a block inside of "+fr.context, "end the line with `;`; quote a { that is meant as text",
			`unexpected "{"`)
		return nil
	}
	words := append([]Word{cd.Name}, cd.Args...)
	include := words[0].Text == "include"
	switch fr.context {
	case "types":
		if include && len(words) != 2 {
			r.refuse(cd, cd.Head(), "RD026", "wrong-argument-count", "takes one file", "", `invalid number of arguments in "include" directive`)
			return nil
		}
		if !include {
			r.typeEntry(cd, fr, words)
		}
	case "map":
		if !r.mapEntry(cd, fr, words) {
			return nil
		}
	case "geo":
		if !r.geoEntry(cd, fr, words) {
			return nil
		}
	case "split_clients":
		r.splitEntry(cd, fr, words)
		return nil
	case "charset_map":
		return nil
	}
	if include {
		return r.include(cd, fr)
	}
	return nil
}

func (r *reader) typeEntry(cd *ConfigDirective, fr *frame, words []Word) {
	if fr.values == nil {
		fr.values = map[string]string{}
	}
	for _, w := range words[1:] {
		ext := strings.ToLower(w.Text)
		if old, ok := fr.values[ext]; ok && old != words[0].Text {
			r.warn(cd, w, fmt.Sprintf("the extension %q belongs to %s already; the last one wins", ext, old),
				fmt.Sprintf(`duplicate extension "%s", content type: "%s", previous content type: "%s"`, ext, words[0].Text, old))
		}
		fr.values[ext] = words[0].Text
	}
}

func (r *reader) mapEntry(cd *ConfigDirective, fr *frame, words []Word) bool {
	key := words[0]
	if fr.keys == nil {
		fr.keys = newHashKeys(false)
	}
	if len(words) == 1 && (key.Text == "hostnames" || key.Text == "volatile") {
		fr.keys.wildcards = fr.keys.wildcards || key.Text == "hostnames"
		return true
	}
	if len(words) != 2 {
		r.refuse(cd, cd.Head(), "RD026", "wrong-argument-count", fmt.Sprintf("has %d words where a map takes a key and a value", len(words)),
			"quote a value with blanks", "invalid number of the map parameters")
		return false
	}
	if key.Text == "include" {
		return true
	}
	if !r.template(cd, words[1]) {
		return false
	}
	text := key.Text
	switch {
	case text == "default":
		if first := fr.set["default"]; first != nil {
			r.refuseWith(cd, diag.Diagnostic{Code: "RD029", Name: "refused-argument", Span: key.Span,
				Message: "a second `default` in one map; nginx will not start", ServerMessage: "duplicate default map parameter",
				Related: []diag.Related{{File: first.File, Span: first.Name.Span, Message: "the first one"}}})
			return false
		}
		fr.set["default"] = cd
		return true
	case strings.HasPrefix(text, "~"):
		text = text[1:]
		ci := strings.HasPrefix(text, "*")
		_, ok := r.regex(cd, strings.TrimPrefix(text, "*"), key, ci, true)
		return ok
	case strings.HasPrefix(text, `\`):
		text = text[1:]
	}
	switch fr.keys.add(text) {
	case keyDeclined:
		return r.invalid(cd, key, `invalid hostname or wildcard "%s"`, text)
	case keyBusy:
		return r.invalid(cd, key, `conflicting parameter "%s"`, strings.ToLower(text))
	}
	if fr.keys.longest == len(text) && fr.longestKey == nil || fr.longestKey != nil && len(text) > len(fr.longestKey.Name.Text) {
		fr.longestKey = cd
	}
	return true
}

// closeMap builds the hash of a map's keys, which must be large enough for the longest.
func closeMap(r *reader, cd *ConfigDirective, _, inner *frame) {
	bucket := 64
	if d := r.hashSize["map_hash_bucket_size"]; d > 0 {
		bucket = (d + 63) / 64 * 64
	}
	r.mapHashed = true
	if inner.keys == nil || inner.keys.longest <= longestKey(bucket) || inner.longestKey == nil {
		return
	}
	r.lateRefuse(inner.longestKey, inner.longestKey.Name, fmt.Sprintf("could not build map_hash, you should increase map_hash_bucket_size: %d", bucket),
		fmt.Sprintf("has a key of %d bytes where %d fit", inner.keys.longest, longestKey(bucket)))
}

func (r *reader) geoEntry(cd *ConfigDirective, fr *frame, words []Word) bool {
	key := words[0]
	if len(words) == 1 && (key.Text == "ranges" || key.Text == "proxy_recursive" || key.Text == "volatile") {
		fr.set[key.Text] = cd
		return true
	}
	if len(words) != 2 {
		r.refuse(cd, cd.Head(), "RD026", "wrong-argument-count", fmt.Sprintf("has %d words where geo takes a network and a value", len(words)), "",
			"invalid number of the geo parameters")
		return false
	}
	if key.Text == "include" {
		return true
	}
	net := key
	switch key.Text {
	case "default":
		r.geoValue(cd, fr, key, "default", words[1].Text)
		return true
	case "delete", "proxy":
		net = words[1]
	}
	if fr.set["ranges"] != nil && key.Text != "proxy" {
		from, to, ok := strings.Cut(net.Text, "-")
		_, good := parseIPv4(from)
		_, fine := parseIPv4(to)
		if !ok || !good || !fine {
			r.refuseWith(cd, diag.Diagnostic{Code: "RD029", Name: "refused-argument", Span: net.Span,
				Message:       fmt.Sprintf("with `ranges` geo takes addresses such as 10.0.0.0-10.0.0.255, and not %q; nginx will not start", net.Text),
				ServerMessage: fmt.Sprintf(`invalid range "%s"`, net.Text)})
			return false
		}
		return true
	}
	kind, id := parseNetwork(net.Text)
	if net.Text == "255.255.255.255" {
		return true
	}
	switch kind {
	case notNetwork:
		return r.invalid(cd, net, `invalid network "%s"`, net.Text)
	case dirtyNetwork:
		r.lowBits(cd, net)
	}
	if key.Text != "delete" && key.Text != "proxy" {
		r.geoValue(cd, fr, key, id, words[1].Text)
	}
	return true
}

// geoValue warns when a network gets a second value.
func (r *reader) geoValue(cd *ConfigDirective, fr *frame, key Word, id, value string) {
	if fr.values == nil {
		fr.values = map[string]string{}
	}
	if old, ok := fr.values[id]; ok {
		r.warn(cd, key, fmt.Sprintf("%s has the value %q already; the last one wins", key.Text, old),
			fmt.Sprintf(`duplicate network "%s", value: "%s", old value: "%s"`, key.Text, value, old))
	}
	fr.values[id] = value
}

func (r *reader) splitEntry(cd *ConfigDirective, fr *frame, words []Word) {
	key := words[0]
	if key.Text == "*" {
		return
	}
	n, ok := parsePercent(strings.TrimSuffix(key.Text, "%"))
	if !ok || n == 0 || !strings.HasSuffix(key.Text, "%") {
		r.invalid(cd, key, `invalid percent value "%s"`, key.Text)
		return
	}
	fr.percent += n
}

// closeSplit looks at the sum of the percentages.
func closeSplit(r *reader, cd *ConfigDirective, _, inner *frame) {
	if inner.percent > 10000 {
		r.refuseWith(cd, diag.Diagnostic{Code: "RD029", Name: "refused-argument", Span: cd.Head(),
			Message: "the percentages add up to more than 100; nginx will not start", ServerMessage: "percent total is greater than 100%"})
		r.findings[len(r.findings)-1].line = r.closeLine(cd)
	}
}

// parsePercent reads a number with at most two decimals, times 100. Source: nginx src/core/ngx_string.c, ngx_atofp.
func parsePercent(s string) (int, bool) {
	whole, part, dotted := strings.Cut(s, ".")
	if s == "" || s == "." || len(part) > 2 || dotted && whole == "" && part == "" {
		return 0, false
	}
	n, ok := atoi(whole + part + "00"[:2-len(part)])
	return n, ok
}

package httpd

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"rewright/parser/ir"
	"rewright/parser/sim"
)

// expiresFields are the Cache-Control and Expires that mod_expires gives to an answer: to successes and redirects, never to errors.
// They come before what Header does, so that "Header set" on a success replaces them; on a redirect nothing does. What counts
// from a file's time is not known; a redirect has no file and gets nothing then.
// Source: httpd mod_expires.c, expires_filter and set_expiration_fields; checked with 2.4.71.
func (r *request) expiresFields(status int) [][2]string {
	if r.conf == nil || status >= 400 || r.top.out.PassedTo != "" {
		return nil
	}
	active := false
	var byDefault *ir.Setting
	byType := map[string]*ir.Setting{}
	for _, l := range r.conf.layers {
		if l.expiresOn != nil {
			active = *l.expiresOn
		}
		for _, set := range l.expires {
			if strings.EqualFold(set.Name, "ExpiresDefault") {
				byDefault = set
			} else {
				byType[lower(set.Arg(0))] = set
			}
		}
	}
	if !active || byDefault == nil && len(byType) == 0 {
		return nil
	}
	set, arg := byDefault, 0
	if len(byType) > 0 {
		t, known := r.mediaType(status)
		if !known {
			r.top.out.UnknownHeader = append(r.top.out.UnknownHeader, "Cache-Control", "Expires")
			return nil
		}
		major, _, _ := strings.Cut(t, "/")
		for _, name := range []string{t, major + "/*"} {
			if s := byType[name]; s != nil && t != "" {
				set, arg = s, 1
				break
			}
		}
	}
	if set == nil {
		return nil
	}
	age, fromFile, ok := expiresAge(set, arg)
	switch {
	case fromFile && r.errorResponse:
		return nil
	case fromFile || !ok:
		r.top.out.UnknownHeader = append(r.top.out.UnknownHeader, "Cache-Control", "Expires")
		return nil
	}
	control := "max-age=" + strconv.Itoa(max(0, age))
	r.note(sim.Step{Kind: sim.StepSet, Origin: set.Origin, Name: set.Name, Input: "Cache-Control", Result: control})
	out := [][2]string{{"Cache-Control", control}}
	if now := r.s.world.Time; now.IsZero() {
		r.top.out.UnknownHeader = append(r.top.out.UnknownHeader, "Expires")
	} else {
		out = append(out, [2]string{"Expires", now.UTC().Add(time.Duration(age) * time.Second).Format(http.TimeFormat)})
	}
	return out
}

// mediaType is the type of the answer, in lower case and without parameters; empty when it has none. The body that httpd writes
// for a redirect and the list of a folder are text/html; of files the table of types that the server reads is only known where
// all of them agree.
func (r *request) mediaType(status int) (t string, known bool) {
	if r.errorResponse || r.finfo.Kind == sim.Directory {
		return "text/html", true
	}
	if t = r.contentType(); t == "" {
		if c := r.conf; r.handler != "" || c.handler != "" {
			return "", false
		}
		base := r.filename[strings.LastIndexByte(r.filename, '/')+1:]
		if strings.IndexByte(base, '.') < 0 {
			return "", true
		}
		if t = commonTypes[lower(base[strings.LastIndexByte(base, '.')+1:])]; t == "" {
			return "", false
		}
	}
	t, _, _ = strings.Cut(t, ";")
	return lower(strings.TrimSpace(t)), true
}

// commonTypes are types that every mime.types has had for decades.
var commonTypes = map[string]string{"html": "text/html", "htm": "text/html", "css": "text/css", "txt": "text/plain", "png": "image/png",
	"gif": "image/gif", "jpg": "image/jpeg", "jpeg": "image/jpeg", "pdf": "application/pdf", "svg": "image/svg+xml", "zip": "application/zip"}

// expiresUnits are the units of mod_expires in seconds.
var expiresUnits = map[string]int{"year": 31536000, "month": 2592000, "week": 604800, "day": 86400, "hour": 3600, "minute": 60, "second": 1}

// expiresAge reads the code of a directive, "access plus 1 month 2 days" or A2592000, in seconds; fromFile is set when it counts
// from the time of the file. Source: httpd mod_expires.c, check_code.
func expiresAge(set *ir.Setting, arg int) (seconds int, fromFile, ok bool) {
	text := lower(strings.TrimSpace(set.Arg(arg)))
	if len(text) > 1 && (text[0] == 'a' || text[0] == 'm') && (text[1] >= '0' && text[1] <= '9' || text[1] == '-') {
		n, err := strconv.Atoi(text[1:])
		return n, text[0] == 'm', err == nil
	}
	words := strings.Fields(text)
	if len(words) == 0 || words[0] != "access" && words[0] != "now" && words[0] != "modification" {
		return 0, false, false
	}
	fromFile = words[0] == "modification"
	words = words[1:]
	if len(words) > 0 && words[0] == "plus" {
		words = words[1:]
	}
	for len(words) >= 2 {
		n, err := strconv.Atoi(words[0])
		unit := expiresUnits[strings.TrimSuffix(words[1], "s")]
		if err != nil || unit == 0 || n > 1_000_000 {
			return 0, fromFile, false
		}
		seconds += n * unit
		words = words[2:]
	}
	return seconds, fromFile, len(words) == 0
}

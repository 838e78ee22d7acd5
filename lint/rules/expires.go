package rules

import (
	"strings"

	"rewright/lint"
	"rewright/parser/ir"
)

// expiresAge is the age in seconds that mod_expires gives to a redirect, and where that is written: its body is text/html, so
// the age of that type counts, else the default. ok is false when none is set or it hangs on a file's time.
// Source: httpd mod_expires.c, set_expiration_fields and parse_code; a redirect of httpd 2.4 carries the headers.
func expiresAge(u *lint.Unit, scopes []*ir.Scope) (age int, at ir.Origin, ok bool) {
	active := false
	var byType, byDefault *ir.Setting
	for _, s := range scopes {
		for _, set := range settingsOf(u, s) {
			switch {
			case strings.EqualFold(set.Name, "ExpiresActive"):
				active = strings.EqualFold(set.Arg(0), "on")
			case strings.EqualFold(set.Name, "ExpiresDefault"):
				byDefault = set
			case strings.EqualFold(set.Name, "ExpiresByType") && (strings.EqualFold(set.Arg(0), "text/html") || strings.EqualFold(set.Arg(0), "text/*") && byType == nil):
				byType = set
			}
		}
	}
	if !active {
		return 0, at, false
	}
	set, arg := byDefault, 0
	if byType != nil {
		set, arg = byType, 1
	}
	if set == nil {
		return 0, at, false
	}
	age, ok = expiresCode(set.Arg(arg))
	return age, set.Origin, ok
}

// expiresUnits are the units of mod_expires in seconds.
var expiresUnits = map[string]int{"year": 31536000, "month": 2592000, "week": 604800, "day": 86400, "hour": 3600, "minute": 60, "second": 1}

// expiresCode reads "access plus 1 month 2 days" and A2592000. ok is false for times that count from a file's own.
func expiresCode(text string) (seconds int, ok bool) {
	text = strings.ToLower(strings.TrimSpace(text))
	if n, found := strings.CutPrefix(text, "a"); found && startsWithDigit(n) {
		seconds, _ = atoi(n)
		return seconds, true
	}
	words := strings.Fields(text)
	if len(words) == 0 || words[0] != "access" && words[0] != "now" {
		return 0, false
	}
	words = words[1:]
	if len(words) > 0 && words[0] == "plus" {
		words = words[1:]
	}
	for len(words) >= 2 {
		n, rest := atoi(words[0])
		unit := expiresUnits[strings.TrimSuffix(words[1], "s")]
		if rest != "" || unit == 0 || n > 1000 {
			return 0, false
		}
		seconds += n * unit
		words = words[2:]
	}
	return seconds, len(words) == 0
}

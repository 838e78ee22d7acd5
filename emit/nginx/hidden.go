package nginx

import (
	"path"
	"strings"

	"rewright/emit/check"
)

// protectedLocation begins that of names which nobody may ask for.
const protectedLocation = `location ~ /\.ht`

// protectHtaccess keeps what httpd's main configuration keeps from everybody: names that begin with .ht. A regular
// expression takes them out of all folders, also out of those that do not exist, where the rules answer in httpd: where
// that shows, .htm and .html are left to the rules.
func (g *attempt) protectHtaccess() {
	head := protectedLocation
	if g.htm {
		head += "(?!m)"
	}
	g.locations = append(g.locations, locationBlock{head: head, lines: []string{"deny all;"}})
}

// hiddenNames keeps names that begin with .ht in one folder from everybody.
func hiddenNames(prefix string) *unit {
	return &unit{lines: ifBlock(test{variable: "$uri", op: "~", operand: "^" + quoteLiteral(prefix) + `\.ht[^/]*$`}, []string{"return 403;"})}
}

// findHidden notes the folder of a name that httpd keeps from everybody and that nginx would answer, and names that
// nginx would keep from everybody and that httpd's rules answer.
func (c *conversion) findHidden(d *check.Difference) {
	target, _, _ := strings.Cut(d.Probe.Request.Target, "?")
	c.htm = c.htm || d.Before.Status != 403 && d.After.Status == 403 && strings.Contains(target, "/.htm")
	if d.Before.Status != 403 || !strings.HasPrefix(path.Base(target), ".ht") {
		return
	}
	for _, a := range c.areas {
		if a.prefix == path.Dir(target)+"/" || a.prefix == "/" && path.Dir(target) == "/" {
			if c.hidden == nil {
				c.hidden = map[string]bool{}
			}
			c.hidden[a.prefix] = true
		}
	}
}

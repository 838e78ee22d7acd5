package nginx

import (
	"strings"

	"rewright/parser/ir"
)

// fileCondition compiles a condition that asks for a file, or for a request that somebody would refuse.
func (b *builder) fileCondition(cnd *ir.Condition, list []*ir.Condition) ([]test, constant) {
	op := cnd.Op
	switch op {
	case "-f", "-d":
	case "-s":
		op = "-f"
		b.u.caveat = "nginx cannot tell empty files from others: a file of 0 bytes counts as there"
	case "-l", "-L", "-h":
		// beside -f and -d a link is no news unless it leads nowhere
		f, d := false, false
		for _, o := range b.r.Conditions {
			if o.Kind == ir.CondFile && o.Negated == cnd.Negated && o.Test.Text == cnd.Test.Text {
				f = f || o.Op == "-f" || o.Op == "-s"
				d = d || o.Op == "-d"
			}
		}
		if !f {
			giveUp("nginx cannot ask for symbolic links (-l)")
		}
		b.u.caveat = "nginx cannot ask for symbolic links: one that leads nowhere is not seen"
		return nil, truth(cnd.Negated)
	case "-x":
		b.u.caveat = "nginx takes directories for executable, too"
	case "-F":
		op = "-f"
		b.u.caveat = "-F asks for access, too; nginx looks for the file, and whether its folder is closed"
		if b.c.closed != "" && !cnd.Negated && !cnd.Or {
			if v, prepare, _, isFixed := b.subjectOf(cnd.Test); !isFixed {
				b.groups = append(b.groups, group{{variable: v, op: "~", operand: "^" + quoteLiteral(b.c.area.docroot) + "(?:" + b.c.closed + ")", negated: true, prepare: prepare}})
			}
		}
	case "-U":
		// a request of its own would be answered, unless somebody refuses it
		v, prepare, _, isFixed := b.subjectOf(cnd.Test)
		if isFixed || b.c.server {
			giveUp("nginx has no test like -U")
		}
		b.u.caveat = "-U asks by a request of its own; what is looked at are the rules and folders that refuse one"
		return []test{{variable: v, op: "~", operand: b.c.refusing(), negated: !cnd.Negated, prepare: prepare}}, open
	default:
		giveUp("nginx has no test like %s", cnd.Op)
	}
	pieces := b.pieces(cnd.Test)
	if b.c.server && len(pieces) == 1 && pieces[0].variable == "uri" {
		// in server context REQUEST_FILENAME is the URL path, which is no file
		pieces = []piece{decodedVar("uri")}
	}
	if len(pieces) == 2 && pieces[0].variable == "document_root" && pieces[1].variable == "uri" {
		pieces = []piece{decodedVar("request_filename")}
	}
	if len(pieces) == 0 || pieces[0].variable == "" && !strings.HasPrefix(pieces[0].text, "/") {
		return nil, truth(cnd.Negated) // a relative path: httpd's working folder is the root of the file system
	}
	if tests := b.besideFolder(pieces, cnd.Negated || op != "-f", len(list) == 1); tests != nil {
		return tests, open
	}
	text, dollar := value(pieces)
	b.c.out.dollar = b.c.out.dollar || dollar
	return []test{{op: op, operand: text, negated: cnd.Negated}}, open
}

// refusing is a pattern for paths that a rule of the area or a closed folder refuses.
func (c *compiler) refusing() string {
	list := []string{`/\.ht`}
	if c.closed != "" {
		list = append(list, "^(?:"+c.closed+")")
	}
	for _, r := range c.area.rules {
		if r.Action == ir.ActionRespond && r.Status >= 400 && len(r.Conditions) == 0 && !r.Negated && !r.Disabled && r.Pattern != nil && r.Pattern.Re != nil && !hasNames(r.Pattern) {
			list = append(list, c.sub.located(r.Pattern))
		}
	}
	return strings.Join(list, "|")
}

package lint

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"

	"rewright/parser/diag"
)

// Fingerprint tells findings apart in a way that survives lines moving up and down: two runs over a file that changed elsewhere
// give the same ones.
type Fingerprint struct {
	File string // as the caller names it
	Code string
	Line string // the line the finding begins in: blanks as one, long ones cut and hashed
	N    int    // which of those with the same file, code and line, from 1
}

// maxFingerprintLine is how much of a line is kept as it is, in bytes.
const maxFingerprintLine = 160

// Fingerprints are those of a list of findings in its order. name gives the file's name in them; nil: as it is.
func Fingerprints(list []diag.Diagnostic, name func(shown string) string) []Fingerprint {
	out := make([]Fingerprint, len(list))
	seen := map[Fingerprint]int{}
	for i := range list {
		f := lineFingerprint(&list[i], name)
		seen[f]++
		f.N = seen[f]
		out[i] = f
	}
	return out
}

// lineFingerprint is the fingerprint without its number.
func lineFingerprint(d *diag.Diagnostic, name func(string) string) Fingerprint {
	f := Fingerprint{Code: d.Code}
	if d.File == nil {
		return f
	}
	f.File = d.File.Name
	if name != nil {
		f.File = name(f.File)
	}
	f.Line = normalLine(d.File.Slice(d.File.LineSpan(d.File.Line(d.Span.Start))))
	return f
}

// normalLine is a line as fingerprints have it.
func normalLine(line string) string {
	line = strings.ToValidUTF8(strings.Join(strings.FieldsFunc(line, func(r rune) bool { return r == ' ' || r == '\t' || r == '\r' }), " "), "\uFFFD")
	if len(line) <= maxFingerprintLine {
		return line
	}
	sum := sha256.Sum256([]byte(line))
	return strings.ToValidUTF8(line[:maxFingerprintLine/2], "") + "…" + hex.EncodeToString(sum[:8])
}

// Hash is the fingerprint as 32 hexadecimal digits.
func (f Fingerprint) Hash() string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s\x00%s\x00%s\x00%d", f.File, f.Code, f.Line, f.N))
	return hex.EncodeToString(sum[:16])
}

package apache

import "strings"

// ParseAllowOverride reads the arguments of an AllowOverride directive; names that AllowOverrideList gave before are
// kept. Source: httpd server/core.c, set_override.
func ParseAllowOverride(args []Word, before *AllowOverride) *AllowOverride {
	o := &AllowOverride{}
	if before != nil {
		o.Names = before.Names
	}
	for _, a := range args {
		word, value, _ := strings.Cut(a.Text, "=")
		switch strings.ToLower(word) {
		case "limit":
			o.Classes |= Limit
		case "options":
			o.Classes |= Options
			if value != "" {
				o.OptionNames = append(o.OptionNames, strings.Split(value, ",")...)
			}
		case "fileinfo":
			o.Classes |= FileInfo
		case "authconfig":
			o.Classes |= AuthConfig
		case "indexes":
			o.Classes |= Indexes
		case "all":
			o.Classes = All
		case "none":
			o.Classes = 0
		case "nonfatal":
			switch strings.ToLower(value) {
			case "override":
				o.Nonfatal = true
			case "unknown":
				o.Unknown = true
			case "all":
				o.Nonfatal, o.Unknown = true, true
			}
		}
	}
	return o
}

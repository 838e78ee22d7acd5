package apache

import (
	"net/url"
	"strings"
)

// proxyChecks are those of mod_proxy and mod_remoteip.
func proxyChecks(m map[string]func(*check) *fault) {
	m["ProxyPass"], m["ProxyPassMatch"] = checkProxyPass, checkProxyPass
	m["ProxyPassReverse"] = func(c *check) *fault {
		if len(c.d.Args) < 2 && !c.scope.perDir {
			return &fault{kind: "wrong-argument-count", server: "ProxyPassReverse needs a path when not defined in a location"}
		}
		return nil
	}
	m["RemoteIPInternalProxy"], m["RemoteIPTrustedProxy"] = checkRemoteIP, checkRemoteIP
}

func checkProxyPass(c *check) *fault {
	args := c.d.Args
	i := 0
	if c.scope.perDir && !strings.HasPrefix(c.arg(0), "/") || c.scope.perDir && len(args) == 1 {
		i = 0
	} else {
		i = 1
	}
	if len(args) <= i || c.arg(i) == "" {
		if !c.scope.perDir {
			return &fault{kind: "wrong-argument-count", server: "ProxyPass|ProxyPassMatch needs a path when not defined in a location"}
		}
		return nil
	}
	target := c.arg(i)
	if target == "!" || strings.HasPrefix(target, "unix:") || strings.HasPrefix(target, "balancer://") {
		return nil
	}
	if c.spec.Name == "ProxyPassMatch" {
		if err := regexFault(c.arg(0), false); i == 1 && err != nil {
			return invalidRegex(c.at(0), "Regular expression could not be compiled.", c.arg(0), err)
		}
	}
	if !strings.Contains(target, "$") && !absoluteURL(target) {
		return c.badf(i, "%s URL must be absolute!: %s", "ProxyPass", target)
	}
	return nil
}

// absoluteURL tells whether APR's parser finds a scheme and a host. Source: APR uri/apr_uri.c, apr_uri_parse.
func absoluteURL(s string) bool {
	i := strings.Index(s, "://")
	if i <= 0 {
		return false
	}
	host, _, _ := strings.Cut(s[i+3:], "/")
	if strings.Count(host, "@") > 1 {
		return false
	}
	if u, err := url.Parse(s[:i+3] + host); err == nil && u.Host == "" {
		return false
	}
	return true
}

func checkRemoteIP(c *check) *fault {
	for i, a := range c.d.Args {
		address, mask, masked := strings.Cut(a.Text, "/")
		switch fault := subnetFault(address, mask, masked); {
		case fault == "host" && masked:
			return c.badf(i, "RemoteIP: Error parsing IP %s the subnet /%s is invalid for %s", a.Text, mask, c.spec.Name)
		case fault != "" && fault != "host":
			return c.badf(i, "RemoteIP: Error parsing IP %s (%s error) for %s", a.Text, fault, c.spec.Name)
		}
	}
	return nil
}

// Package probe finds requests that reach rules, and asks the simulators what becomes of them.
//
// Programs go in; requests with the files they need, answers, and chains of redirects come out. Rules of package
// lint confirm with it what they propose, and emit holds a translation against its source. What a finding
// or a report says about the answers is left to those.
package probe

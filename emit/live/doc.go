// Package live holds conversions against the servers themselves: the original on one real server, the result on the
// other, the same requests to both. It has tests only; they skip where the servers are not installed.
package live

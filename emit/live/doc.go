// Package live holds conversions against the servers themselves: the original on a real Apache, the result on a
// real nginx, the same requests to both. It has tests only; they skip where the servers are not installed.
package live

package nginx

import (
	"fmt"
	"math"
	"math/bits"
)

// hashSizes are the directives that make room for the keys of bulk maps; empty when nginx's own sizes do.
//
// nginx looks for a number of buckets, up to map_hash_max_size, with which no bucket takes more than
// map_hash_bucket_size bytes; it begins its search 1,000 below the maximum when there are many keys, and warns when it
// finds none. Source: nginx src/core/ngx_hash.c, ngx_hash_init.
func (g *attempt) hashSizes() string {
	const (
		usualMax    = 2048
		usualBucket = 64 // bytes, of a cache line
		pointer     = 8  // bytes
	)
	most, longest := 0, 0
	for _, keys := range g.bulkKeys {
		most = max(most, len(keys))
		for _, k := range keys {
			longest = max(longest, len(k))
		}
	}
	size := usualMax
	if most > usualMax/4 {
		size = 1 << bits.Len(uint(2*most))
	}
	bucket := usualBucket
	for bucket < longest+24 {
		bucket *= 2
	}
	for _, keys := range g.bulkKeys {
		fullest := math.MaxInt
		for n := range hashTrials {
			fullest = min(fullest, fullestBucket(keys, size-1-n*40))
		}
		for bucket < fullest+pointer {
			bucket *= 2
		}
	}
	text := ""
	if bucket > usualBucket {
		text = fmt.Sprintf("map_hash_bucket_size %d;\n", bucket)
	}
	if size > usualMax {
		text += fmt.Sprintf("map_hash_max_size %d;\n", size)
	}
	return text
}

// hashTrials is how many numbers of buckets are looked at; nginx tries hundreds.
const hashTrials = 20

// fullestBucket is how many bytes the fullest of so many buckets takes: for each key a pointer to the value, the length, and
// the key, up to a multiple of a pointer.
func fullestBucket(keys []string, buckets int) (bytes int) {
	used := make([]int32, buckets)
	for _, k := range keys {
		at := hashKey(k) % uint64(buckets)
		used[at] += int32(8 + (len(k)+2+7)/8*8)
		bytes = max(bytes, int(used[at]))
	}
	return bytes
}

// hashKey is what nginx makes of a key. Source: nginx src/core/ngx_hash.c, ngx_hash_key; keys are lower case there.
func hashKey(key string) (h uint64) {
	for i := range len(key) {
		c := key[i]
		if c >= 'A' && c <= 'Z' {
			c |= 0x20
		}
		h = h*31 + uint64(c)
	}
	return h
}

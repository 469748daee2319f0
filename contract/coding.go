// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package contract

import (
	"bytes"
	"compress/gzip"
	"io"
	"sync"
)

// freeInflated is how large content in bytes may get by decompression whatever
// its ratio: short content of one letter is no attack.
const freeInflated = 4 << 10

// gzipReaders are used again, because each has windows of some 40 KiB.
var gzipReaders = sync.Pool{New: func() any { return new(gzip.Reader) }}

// gunzip undoes the gzip content coding (RFC 1952), within most bytes and ratio
// times the content's length: a single member with nothing behind it. It never
// holds much more than what it may give.
func gunzip(content []byte, most, ratio int64) (plain []byte, reason string) {
	source := bytes.NewReader(content)
	zr := gzipReaders.Get().(*gzip.Reader)
	defer gzipReaders.Put(zr)
	if err := zr.Reset(source); err != nil {
		return nil, reasonBadCoding
	}
	zr.Multistream(false)
	most = min(most, max(int64(len(content))*ratio, freeInflated))
	var out bytes.Buffer
	out.Grow(int(min(most, 4*int64(len(content)))) + bytes.MinRead)
	_, err := out.ReadFrom(io.LimitReader(zr, most+1))
	switch {
	case int64(out.Len()) > most:
		return nil, reasonDecompressed
	case err != nil, source.Len() > 0:
		return nil, reasonBadCoding
	}
	return out.Bytes(), ""
}

// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package contract

import (
	"bytes"
	"compress/gzip"
	"io"
)

// maxRatio is how many times larger content may get by decompression. Deflate
// reaches about 1030, and text hardly ever 50.
const maxRatio = 100

// gunzip undoes the gzip content coding (RFC 1952), within bounds: a single
// member with nothing behind it.
func gunzip(content []byte, most int64) (plain []byte, reason string) {
	source := bytes.NewReader(content)
	zr, err := gzip.NewReader(source)
	if err != nil {
		return nil, reasonBadCoding
	}
	zr.Multistream(false)
	most = min(most, max(int64(len(content))*maxRatio, 4096))
	plain, err = io.ReadAll(io.LimitReader(zr, most+1))
	switch {
	case int64(len(plain)) > most:
		return nil, reasonDecompressed
	case err != nil, source.Len() > 0:
		return nil, reasonBadCoding
	}
	return plain, ""
}

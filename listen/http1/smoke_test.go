// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package http1

import (
	"testing"
)

func TestSmoke(t *testing.T) {
	s := newServer(t, echo)
	for _, step := range []int{1, 7, 1 << 20} {
		t.Log(play(t, s, "GET /a?b HTTP/1.1\r\nhost: x\r\n\r\nPOST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhelloPOST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nTrailer: x-y\r\n\r\n5;a=b\r\nhello\r\n0\r\nX-Y: 1\r\n\r\nGET / HTTP/1.1\n\n", step))
	}
}

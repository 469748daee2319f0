// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
)

// answer is what the upstream says to everything: about 200 bytes of JSON.
var answer = func() []byte {
	body := `{"id":42,"title":"Minutes of the spring assembly","author":"maria.lindqvist","space":"assembly",` +
		`"created":"2026-03-14T09:26:53Z","labels":["minutes","assembly","spring"],"pinned":false,"version":7}`
	return fmt.Appendf(nil, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n"+
		"Cache-Control: no-store\r\nX-Upstream: bench\r\n\r\n%s", len(body), body)
}()

// serveUpstream answers every request on address with the same answer, until
// ctx ends. It reads HTTP/1.1 with Content-Length only and does
// nothing else, so that the gateways are what is measured.
func serveUpstream(ctx context.Context, address string) error {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	defer l.Close()
	defer context.AfterFunc(ctx, func() { l.Close() })()
	for {
		conn, err := l.Accept()
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return err
		}
		go func() {
			defer conn.Close()
			_ = answerAll(conn) // the client's end of the connection
		}()
	}
}

// answerAll answers the requests of one connection.
func answerAll(conn io.ReadWriter) error {
	buf := make([]byte, 0, 64<<10)
	for {
		size, err := requestSize(buf)
		if err != nil {
			return err
		}
		if size == 0 || size > len(buf) {
			if len(buf) == cap(buf) {
				return errors.New("request is larger than the upstream's buffer")
			}
			n, err := conn.Read(buf[len(buf):cap(buf)])
			if err != nil {
				return err
			}
			buf = buf[:len(buf)+n]
			continue
		}
		if _, err := conn.Write(answer); err != nil {
			return err
		}
		buf = buf[:copy(buf[:cap(buf)], buf[size:])]
	}
}

var (
	headEnd       = []byte("\r\n\r\n")
	contentLength = []byte("content-length:")
	chunked       = []byte("transfer-encoding:")
)

// requestSize gives the size of the first request in buf, 0 when its head is
// not complete yet.
func requestSize(buf []byte) (int, error) {
	end := bytes.Index(buf, headEnd)
	if end < 0 {
		return 0, nil
	}
	size := end + len(headEnd)
	for head := buf[:end]; len(head) > 0; {
		line, rest, _ := bytes.Cut(head, headEnd[:2])
		head = rest
		switch {
		case hasPrefixFold(line, chunked):
			return 0, errors.New("the upstream takes no chunked content")
		case hasPrefixFold(line, contentLength):
			n, err := strconv.ParseUint(string(bytes.TrimSpace(line[len(contentLength):])), 10, 31)
			if err != nil {
				return 0, err
			}
			return size + int(n), nil
		}
	}
	return size, nil
}

func hasPrefixFold(line, prefix []byte) bool {
	return len(line) >= len(prefix) && bytes.EqualFold(line[:len(prefix)], prefix)
}

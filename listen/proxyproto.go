// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package listen

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"time"
)

// proxyHeader reads the PROXY protocol header at the start of a connection,
// once, in whichever goroutine first needs it.
// Source: the PROXY protocol, versions 1 and 2 (HAProxy, 2020-03-05).
type proxyHeader struct {
	timeout time.Duration
	once    sync.Once
	err     error
}

var (
	errNoProxyHeader  = errors.New("a PROXY protocol header was due and did not come")
	errBadProxyHeader = errors.New("the PROXY protocol header is malformed")
)

const (
	maxProxyV1 = 107  // bytes of a version 1 line, CRLF included
	maxProxyV2 = 1024 // bytes of a version 2 body: addresses and the extensions that are skipped
)

var proxySignature = []byte("\r\n\r\n\x00\r\nQUIT\n")

func (h *proxyHeader) await(c *conn) error {
	h.once.Do(func() {
		c.Conn.SetReadDeadline(time.Now().Add(h.timeout))
		source, err := readProxyHeader(c.Conn)
		c.Conn.SetReadDeadline(time.Time{})
		if err != nil {
			h.err = err
			c.Close()
			return
		}
		if source.IsValid() {
			c.peer = source
		}
	})
	return h.err
}

// readProxyHeader consumes exactly the header. The source is invalid for
// LOCAL and UNKNOWN connections, which keep the address that they came from
// (health checks of the proxy itself).
func readProxyHeader(r io.Reader) (netip.AddrPort, error) {
	// Version 2's signature is 12 bytes, and no version 1 line is shorter
	// than "PROXY UNKNOWN\r\n", so 12 can always be waited for.
	start := make([]byte, len(proxySignature), maxProxyV1)
	if _, err := io.ReadFull(r, start); err != nil {
		return netip.AddrPort{}, errNoProxyHeader
	}
	switch {
	case bytes.Equal(start, proxySignature):
		return readProxyV2(r)
	case bytes.HasPrefix(start, []byte("PROXY ")):
		return readProxyV1(r, start)
	}
	return netip.AddrPort{}, errNoProxyHeader
}

func readProxyV1(r io.Reader, line []byte) (netip.AddrPort, error) {
	var none netip.AddrPort
	// Byte by byte, so that nothing behind the line is taken from the request.
	for one := make([]byte, 1); !bytes.HasSuffix(line, []byte("\r\n")); {
		if len(line) == maxProxyV1 {
			return none, errBadProxyHeader
		}
		if _, err := io.ReadFull(r, one); err != nil {
			return none, errNoProxyHeader
		}
		line = append(line, one[0])
	}
	parts := strings.Split(string(line[:len(line)-2]), " ")
	if len(parts) >= 2 && parts[1] == "UNKNOWN" {
		return none, nil
	}
	if len(parts) != 6 || parts[1] != "TCP4" && parts[1] != "TCP6" {
		return none, errBadProxyHeader
	}
	var ends [2]netip.AddrPort
	for i := range ends {
		addr, err := netip.ParseAddr(parts[2+i])
		port, errPort := strconv.ParseUint(parts[4+i], 10, 16)
		if err != nil || errPort != nil || addr.Zone() != "" || addr.Is4() != (parts[1] == "TCP4") ||
			strconv.FormatUint(port, 10) != parts[4+i] {
			return none, errBadProxyHeader
		}
		ends[i] = netip.AddrPortFrom(addr.Unmap(), uint16(port))
	}
	return ends[0], nil
}

func readProxyV2(r io.Reader) (netip.AddrPort, error) {
	var none netip.AddrPort
	var head [4]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return none, errNoProxyHeader
	}
	length := int(binary.BigEndian.Uint16(head[2:]))
	if head[0]>>4 != 2 || length > maxProxyV2 {
		return none, errBadProxyHeader
	}
	body := make([]byte, length)
	if _, err := io.ReadFull(r, body); err != nil {
		return none, errNoProxyHeader
	}
	switch head[0] & 15 {
	case 0: // LOCAL
		return none, nil
	case 1: // PROXY
	default:
		return none, errBadProxyHeader
	}
	switch head[1] {
	case 0x11: // TCP over IPv4
		if length < 12 {
			return none, errBadProxyHeader
		}
		return netip.AddrPortFrom(netip.AddrFrom4([4]byte(body[:4])), binary.BigEndian.Uint16(body[8:])), nil
	case 0x21: // TCP over IPv6
		if length < 36 {
			return none, errBadProxyHeader
		}
		return netip.AddrPortFrom(netip.AddrFrom16([16]byte(body[:16])).Unmap(), binary.BigEndian.Uint16(body[32:])), nil
	case 0x00: // UNSPEC
		return none, nil
	}
	return none, errBadProxyHeader
}

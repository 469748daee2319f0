// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"
)

// idleConnections is how many connections job F keeps open.
const idleConnections = 5000

// holdIdle is a load generator: it opens n connections, sends one request on
// each, says what it found, and keeps them open until hold ends.
func holdIdle(ctx context.Context, target, material string, n int, out io.Writer, hold io.Reader) error {
	address, path, _ := strings.Cut(strings.TrimPrefix(target, "http://"), "/")
	headers, err := requestHeaders(material)
	if err != nil {
		return err
	}
	request := fmt.Appendf(nil, "GET /%s HTTP/1.1\r\nHost: %s\r\n", path, address)
	for _, h := range headers {
		request = fmt.Appendf(request, "%s: %s\r\n", h[0], h[1])
	}
	request = append(request, "\r\n"...)

	begin := time.Now()
	var (
		group sync.WaitGroup
		mu    sync.Mutex
		conns []net.Conn
		times []time.Duration
		first error
		sum   outcome
	)
	const openers = 16
	for worker := range openers {
		group.Go(func() {
			for i := worker; i < n && ctx.Err() == nil; i += openers {
				at := time.Now()
				conn, status, err := askOnce(ctx, address, request)
				mu.Lock()
				switch {
				case err != nil:
					sum.broken++
					if first == nil {
						first = err
					}
				default:
					conns, times = append(conns, conn), append(times, time.Since(at))
					if status >= 400 {
						sum.refused++
					}
				}
				mu.Unlock()
			}
		})
	}
	group.Wait()
	defer func() {
		for _, c := range conns {
			c.Close()
		}
	}()
	if first != nil {
		fmt.Fprintln(os.Stderr, "bench: idle connections:", first)
	}
	sum.requests, sum.duration = int64(len(times)), time.Since(begin)
	sum.p50, sum.p99 = percentile(times, 50), percentile(times, 99)
	if _, err := io.WriteString(out, sum.line()); err != nil {
		return err
	}
	if _, err := io.Copy(io.Discard, hold); err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "OPEN %d\n", stillOpen(conns))
	return err
}

// stillOpen counts the connections that the gateway has not closed.
func stillOpen(conns []net.Conn) int {
	open := 0
	for _, conn := range conns {
		raw, err := conn.(*net.TCPConn).SyscallConn()
		if err != nil {
			continue
		}
		_ = raw.Read(func(fd uintptr) bool { // a closed one is not open
			_, _, err := syscall.Recvfrom(int(fd), make([]byte, 1), syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
			if errors.Is(err, syscall.EAGAIN) {
				open++
			}
			return true
		})
	}
	return open
}

// askOnce connects and asks; the connection stays open.
func askOnce(ctx context.Context, address string, request []byte) (net.Conn, int, error) {
	dialer := net.Dialer{Timeout: 10 * time.Second}
	conn, err := dialer.DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, 0, err
	}
	status := 0
	if err = conn.SetDeadline(time.Now().Add(10 * time.Second)); err == nil {
		if _, err = conn.Write(request); err == nil {
			status, err = readAnswer(bufio.NewReaderSize(conn, 1024))
		}
	}
	if err == nil {
		err = conn.SetDeadline(time.Time{})
	}
	if err != nil {
		conn.Close()
		return nil, 0, err
	}
	return conn, status, nil
}

// idleSample measures what the idle connections cost a gateway that has just
// been started.
func (b *bench) idleSample(ctx context.Context, s scenario, run *contestant) (sample, error) {
	before, err := b.read(run)
	if err != nil {
		return sample{}, err
	}
	cmd := command(ctx, b.load.core, []string{b.load.self, "-idle", s.url(run.address), "-material", b.load.material})
	cmd.Stderr = os.Stderr
	hold, err := cmd.StdinPipe()
	if err != nil {
		return sample{}, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return sample{}, err
	}
	if err := cmd.Start(); err != nil {
		return sample{}, err
	}
	defer func() {
		hold.Close()
		_ = cmd.Wait() // its result was read or is an error already
	}()
	lines := bufio.NewReader(out)
	line, err := lines.ReadString('\n')
	if err != nil {
		return sample{}, fmt.Errorf("idle connections: %w", err)
	}
	found, err := parseOutcome(line)
	if err != nil {
		return sample{}, err
	}
	if err := found.check(noLimit); err != nil {
		return sample{}, err
	}
	if found.requests != idleConnections {
		return sample{}, fmt.Errorf("%d of %d connections could be opened", found.requests, idleConnections)
	}
	after, err := b.read(run)
	if err != nil {
		return sample{}, err
	}
	if after.usage, err = settle(ctx, run.process.pid()); err != nil {
		return sample{}, err
	}
	result := newSample(found, before, after)
	hold.Close()
	if line, err = lines.ReadString('\n'); err != nil || line != fmt.Sprintf("OPEN %d\n", idleConnections) {
		return sample{}, fmt.Errorf("the gateway closed idle connections: %q", strings.TrimSpace(line))
	}
	result.perConnection = float64(after.rss-before.rss) / float64(found.requests)
	return result, nil
}

// settle waits until a process's memory has stayed within 1 % for a second, at
// most five, and gives the last figures.
func settle(ctx context.Context, pid int) (usage, error) {
	var seen []int64
	var u usage
	for range 50 {
		var err error
		if u, err = readUsage(pid); err != nil {
			return usage{}, err
		}
		seen = append(seen, u.rss)
		if len(seen) > 10 {
			window := seen[len(seen)-10:]
			if high := slices.Max(window); high-slices.Min(window) <= high/100 {
				return u, nil
			}
		}
		select {
		case <-ctx.Done():
			return usage{}, ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
	return u, nil
}

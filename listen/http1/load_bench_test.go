// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package http1

import (
	"bufio"
	"io"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// process is a server in a process of its own.
type process struct {
	addr string
	in   io.WriteCloser
	out  *bufio.Scanner
}

func startProcess(b *testing.B, kind string) *process {
	cmd := exec.Command(os.Args[0], "-test.run=^TestBenchServer$")
	cmd.Env = append(os.Environ(), "HTTP1_BENCH_SERVER="+kind)
	in, err := cmd.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		in.Close()
		io.Copy(io.Discard, out)
		cmd.Wait()
	})
	p := &process{in: in, out: bufio.NewScanner(out)}
	p.addr = p.answer(b, "LISTENING ")
	return p
}

func (p *process) answer(b *testing.B, start string) string {
	for p.out.Scan() {
		if s, ok := strings.CutPrefix(p.out.Text(), start); ok {
			return s
		}
	}
	b.Fatal("the server's process ended")
	return ""
}

func (p *process) ask(b *testing.B, command, start string) string {
	io.WriteString(p.in, command+"\n")
	return p.answer(b, start)
}

func (p *process) cpu(b *testing.B) float64 {
	n, _ := strconv.ParseFloat(p.ask(b, "cpu", "CPU "), 64)
	return n
}

func (p *process) memory(b *testing.B) (heap, resident float64) {
	f := strings.Fields(p.ask(b, "memory", "MEMORY "))
	heap, _ = strconv.ParseFloat(f[0], 64)
	resident, _ = strconv.ParseFloat(f[1], 64)
	return heap, resident * float64(os.Getpagesize())
}

// BenchmarkCPU gives the server's CPU time per request, user and system, of
// this package ("ours") and net/http ("standard") with the same handler.
func BenchmarkCPU(b *testing.B) {
	for _, request := range []struct{ name, text string }{
		{"get", bearer},
		{"post", strings.Replace(strings.Replace(bearer, "GET", "POST", 1), "\r\n\r\n", "\r\nContent-Length: 8\r\n\r\n{\"a\":12}", 1)},
	} {
		for _, kind := range []string{"ours", "standard", "loop"} {
			b.Run(request.name+"/"+kind, func(b *testing.B) {
				p := startProcess(b, kind)
				roundTrips(b, p.addr, request.text, 1000)
				const clients = 16
				before := p.cpu(b)
				b.ResetTimer()
				var wg sync.WaitGroup
				for range clients {
					wg.Go(func() { roundTrips(b, p.addr, request.text, b.N/clients+1) })
				}
				wg.Wait()
				b.StopTimer()
				b.ReportMetric((p.cpu(b)-before)/float64((b.N/clients+1)*clients)/1e3, "server-us/req")
			})
		}
	}
}

// BenchmarkIdle gives the memory of one of 5,000 idle connections that had a
// request each.
func BenchmarkIdle(b *testing.B) {
	const count = 5000
	for _, kind := range []string{"ours", "standard"} {
		b.Run(kind, func(b *testing.B) {
			for range b.N {
				p := startProcess(b, kind)
				roundTrips(b, p.addr, bearer, 100)
				heap, resident := p.memory(b)
				conns := make([]net.Conn, 0, count)
				buf := make([]byte, 4096)
				for range count {
					c, err := net.Dial("tcp", p.addr)
					if err != nil {
						b.Fatal(err)
					}
					conns = append(conns, c)
					io.WriteString(c, bearer)
					if _, err := c.Read(buf); err != nil {
						b.Fatal(err)
					}
				}
				heap2, resident2 := p.memory(b)
				b.ReportMetric((heap2-heap)/count, "heap+stack-B/conn")
				b.ReportMetric((resident2-resident)/count, "rss-B/conn")
				for _, c := range conns {
					c.Close()
				}
			}
		})
	}
}

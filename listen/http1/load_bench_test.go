// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

//go:build unix

package http1

import (
	"bufio"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
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

// BenchmarkConnectionCPU is BenchmarkCPU with a connection for each request.
func BenchmarkConnectionCPU(b *testing.B) {
	request := strings.Replace(bearer, "\r\n\r\n", "\r\nConnection: close\r\n\r\n", 1)
	for _, kind := range []string{"ours", "standard"} {
		b.Run(kind, func(b *testing.B) {
			p := startProcess(b, kind)
			roundTrips(b, p.addr, bearer, 1000)
			const clients = 8
			before := p.cpu(b)
			b.ResetTimer()
			var wg sync.WaitGroup
			for range clients {
				wg.Go(func() {
					for range b.N/clients + 1 {
						roundTrips(b, p.addr, request, 1)
					}
				})
			}
			wg.Wait()
			b.StopTimer()
			b.ReportMetric((p.cpu(b)-before)/float64((b.N/clients+1)*clients)/1e3, "server-us/req")
		})
	}
}

// BenchmarkIdle gives the memory of one of 5,000 idle connections that had a
// request each.
func BenchmarkIdle(b *testing.B) {
	const count = 5000
	for _, kind := range []string{"ours", "standard", "ours-tls"} {
		b.Run(kind, func(b *testing.B) {
			for range b.N {
				p := startProcess(b, kind)
				connect := func() (net.Conn, error) { return net.Dial("tcp", p.addr) }
				if kind == "ours-tls" {
					_, client := certificate(b)
					connect = func() (net.Conn, error) { return tls.Dial("tcp", p.addr, client) }
				} else {
					roundTrips(b, p.addr, bearer, 100)
				}
				heap, resident := p.memory(b)
				conns := make([]net.Conn, 0, count)
				buf := make([]byte, 4096)
				for range count {
					c, err := connect()
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

func startStandard(b testing.TB) (addr string, stop func()) {
	s := &http.Server{Handler: newFixedHandler(), ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 75 * time.Second}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	go s.Serve(l)
	return l.Addr().String(), func() { s.Close() }
}

func startOursTLS(b testing.TB) (addr string, stop func()) {
	addr, _ = listenTLS(b, New(newFixedHandler(), Options{}))
	return addr, func() {} // with the test
}

// startLoop serves the same answer without a look at the request: what no
// server in Go can be faster than.
func startLoop(b testing.TB) (addr string, stop func()) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	reply := []byte("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nDate: Thu, 01 Jan 1970 00:00:00 GMT\r\nContent-Length: " +
		strconv.Itoa(len(small)) + "\r\n\r\n" + small)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				buf := make([]byte, 4096)
				for {
					if _, err := c.Read(buf); err != nil {
						return
					}
					if _, err := c.Write(reply); err != nil {
						return
					}
				}
			}()
		}
	}()
	return l.Addr().String(), func() { l.Close() }
}

// The benchmark's server runs in a process of its own, so that its CPU time
// can be told from the client's.
func TestBenchServer(t *testing.T) {
	kind := os.Getenv("HTTP1_BENCH_SERVER")
	if kind == "" {
		t.Skip("only for the benchmarks")
	}
	start := map[string]func(testing.TB) (string, func()){"ours": startOurs, "standard": startStandard, "loop": startLoop, "ours-tls": startOursTLS}[kind]
	addr, stop := start(t)
	defer stop()
	os.Stdout.WriteString("LISTENING " + addr + "\n")
	commands := bufio.NewScanner(os.Stdin)
	for commands.Scan() {
		switch commands.Text() {
		case "cpu":
			os.Stdout.WriteString("CPU " + strconv.FormatInt(int64(cpu()), 10) + "\n")
		case "memory":
			for range 4 {
				runtime.GC()
			}
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			os.Stdout.WriteString("MEMORY " + strconv.FormatUint(m.HeapInuse+m.StackInuse, 10) + " " + rss() + "\n")
		}
	}
}

func cpu() time.Duration {
	var r syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &r)
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}

func rss() string {
	b, _ := os.ReadFile("/proc/self/statm")
	if f := strings.Fields(string(b)); len(f) > 1 {
		return f[1]
	}
	return "0"
}

// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

// Command serve runs the injection test object on loopback:
//
//	go run ./probe/testdata/injection/serve -port 9100 -flaws all
package main

import (
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"time"

	"durward/probe/testdata/injection"
)

func main() {
	port := flag.Int("port", 0, "the port; 0 picks one")
	flaws := flag.String("flaws", "", "the flaws by name, with commas, or all; empty for the honest twin")
	flag.Parse()
	var names []string
	if *flaws != "" {
		names = strings.Split(*flaws, ",")
	}
	h := injection.New(names...)
	defer h.(io.Closer).Close()
	l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(*port)))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Printf("http://%s\n", l.Addr())
	s := &http.Server{Handler: h, ReadHeaderTimeout: 5 * time.Second}
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, os.Interrupt)
	go func() {
		<-stop
		_ = s.Close()
	}()
	_ = s.Serve(l)
}

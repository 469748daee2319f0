// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package listener

import (
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

func started(t *testing.T) *Server {
	t.Helper()
	s, err := New()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func get(t *testing.T, address string) int {
	t.Helper()
	r, err := http.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	_, _ = io.Copy(io.Discard, r.Body)
	return r.StatusCode
}

func TestOnlyTheAddressThatWasAskedForIsHit(t *testing.T) {
	s := started(t)
	a, hitA := s.URL()
	b, hitB := s.URL()
	if a == b || hitA() || hitB() {
		t.Fatalf("%s and %s, hit %t and %t before anybody asked", a, b, hitA(), hitB())
	}
	if get(t, a) != 200 || !hitA() || hitB() {
		t.Error("asking for one address does not hit it alone")
	}
}

func TestAnAddressThatGrewIsTheSame(t *testing.T) {
	s := started(t)
	for _, more := range []string{"/list.csv", "?page=1", "/a/b?c=d"} {
		a, hit := s.URL()
		if get(t, a+more) != 200 || !hit() {
			t.Errorf("with %s it is not hit", more)
		}
	}
}

func TestOtherAddressesAreNotFound(t *testing.T) {
	s := started(t)
	a, hit := s.URL()
	u, _ := url.Parse(a)
	for _, path := range []string{"/", "/favicon.ico", "/other/1", u.Path + "0", strings.TrimSuffix(u.Path, "1")} {
		u.Path = path
		if get(t, u.String()) != 404 {
			t.Errorf("%s is known", path)
		}
	}
	if hit() {
		t.Error("the address is hit by others")
	}
}

func TestItIsOnLoopbackOnly(t *testing.T) {
	s := started(t)
	if ip := s.listener.Addr().(*net.TCPAddr).IP; !ip.IsLoopback() {
		t.Errorf("it listens on %v", ip)
	}
	a, _ := s.URL()
	u, err := url.Parse(a)
	if err != nil || u.Hostname() != "127.0.0.1" {
		t.Errorf("it gives out %s", a)
	}
}

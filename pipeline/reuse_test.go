// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package pipeline

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"
	"unsafe"

	"durward"
)

// pollute sets every field that v reaches, unexported ones included, to
// something that is not its zero value.
func pollute(t *testing.T, v reflect.Value, path string) {
	t.Helper()
	if !v.CanSet() {
		v = reflect.NewAt(v.Type(), unsafe.Pointer(v.UnsafeAddr())).Elem()
	}
	switch v.Interface().(type) {
	case time.Time:
		v.Set(reflect.ValueOf(time.Unix(1, 0)))
		return
	case netip.Addr:
		v.Set(reflect.ValueOf(netip.MustParseAddr("6.6.6.6")))
		return
	case netip.AddrPort:
		v.Set(reflect.ValueOf(netip.MustParseAddrPort("6.6.6.6:6")))
		return
	case *tls.ConnectionState:
		v.Set(reflect.ValueOf(&tls.ConnectionState{ServerName: "leak"}))
		return
	case json.RawMessage:
		v.Set(reflect.ValueOf(json.RawMessage("leak")))
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			pollute(t, v.Field(i), path+"."+v.Type().Field(i).Name)
		}
	case reflect.Slice:
		one := reflect.New(v.Type().Elem()).Elem()
		pollute(t, one, path+"[]")
		v.Set(reflect.Append(reflect.MakeSlice(v.Type(), 0, 4), one, one))
	case reflect.Array:
		for i := range v.Len() {
			pollute(t, v.Index(i), path+"[]")
		}
	case reflect.String:
		v.SetString("leak")
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		v.SetInt(1)
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		v.SetUint(1)
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
	case reflect.Func:
		v.Set(reflect.MakeFunc(v.Type(), func([]reflect.Value) []reflect.Value { return nil }))
	case reflect.Interface:
		switch v.Type() {
		case reflect.TypeFor[error]():
			v.Set(reflect.ValueOf(durward.ErrNotFound))
		case reflect.TypeFor[durward.Restrictions]():
			v.Set(reflect.ValueOf(noRestrictions{}))
		default:
			v.Set(reflect.ValueOf(strings.NewReader("leak")))
		}
	default:
		t.Fatalf("%s is a %s: teach the test about it", path, v.Kind())
	}
}

// leaks lists what of v is not as in a fresh value. A slice may keep its room,
// but nothing in it.
func leaks(v reflect.Value, path string) []string {
	switch v.Kind() {
	case reflect.Struct:
		var out []string
		for i := range v.NumField() {
			out = append(out, leaks(v.Field(i), path+"."+v.Type().Field(i).Name)...)
		}
		return out
	case reflect.Slice:
		if v.Len() > 0 {
			return []string{path + " has a length"}
		}
		if v.Type().Elem().Kind() == reflect.Uint8 || v.IsNil() {
			return nil // a buffer, which is only read up to its length
		}
		var out []string
		for i, all := 0, v.Slice(0, v.Cap()); i < all.Len(); i++ {
			out = append(out, leaks(all.Index(i), path+"[]")...)
		}
		return out
	}
	if !v.IsZero() {
		return []string{path}
	}
	return nil
}

func TestAReusedExchangeHasNothingOfTheLastRequest(t *testing.T) {
	x := new(durward.Exchange)
	pollute(t, reflect.ValueOf(x).Elem(), "x")
	if x.In.Header == nil || x.Principal.Claims == nil || x.Trail[0].Err == nil || x.Upstream.Target == "" || x.In.Body.Err() == nil {
		t.Fatal("the test does not fill all")
	}
	x.Reset()
	for _, path := range leaks(reflect.ValueOf(x).Elem(), "x") {
		t.Errorf("%s is left of the last request", path)
	}
}

func TestALargeBodyIsNotKept(t *testing.T) {
	x := new(durward.Exchange)
	x.In.Body.Init(strings.NewReader(strings.Repeat("x", 1<<20)), -1)
	x.In.Body.SetLimit(1 << 20)
	if _, err := x.In.Body.Bytes(); err != nil {
		t.Fatal(err)
	}
	x.Reset()
	if n := reflect.ValueOf(&x.In.Body).Elem().FieldByName("buf").Cap(); n > 64<<10 {
		t.Errorf("%d bytes are kept", n)
	}
}

// Two requests that could not differ more, through the same pipeline.
func TestRequestsDoNotMix(t *testing.T) {
	b := newBench(t, smallest, nil)
	for range 20 {
		x := b.request("POST", "/open", "Content-Type", "text/plain", "User-Agent", "secret")
		x.In.Body.Init(strings.NewReader("secret"), 6)
		if got, ev := b.serve(t.Context(), x); got.status != 200 || ev.Operation != "write" || ev.BytesIn != 6 {
			t.Fatalf("%+v %+v", got, ev)
		}
		got, ev := b.get("/open")
		if got.status != 200 || ev.Operation != "open" || ev.BytesIn != 0 || ev.Upstream.Attempts != 1 || got.body != "fine" || ev.UserAgent != "" {
			t.Fatalf("%+v %+v", got, ev)
		}
	}
}

type noRestrictions struct{}

func (noRestrictions) Check(context.Context, *durward.Exchange) error { return nil }

// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package seal

import (
	"context"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"durward/durwardtest"
)

func TestARootKeyIsWrappedByTheService(t *testing.T) {
	kms := durwardtest.NewTransit("s3cr3t-token")
	defer kms.Close()
	cfg := Config{Keys: filepath.Join(t.TempDir(), "keys"), KMS: &KMS{URL: kms.URL + "/v1/transit/", Key: "durward", Token: "s3cr3t-token"}}
	s := openSealer(t, cfg, Options{})
	ev := newEvent("ann")
	if err := s.Cover(&ev, operation); err != nil {
		t.Fatal(err)
	}
	if err := s.Flush(); err != nil {
		t.Fatal(err)
	}
	// The service is asked at a start only.
	kms.Fail(http.StatusServiceUnavailable)
	again := newEvent("bob")
	if err := s.Cover(&again, operation); err != nil {
		t.Errorf("while the service is away: %v", err)
	}
	if _, err := OpenKeys(t.Context(), cfg); err == nil || !strings.Contains(err.Error(), "status 503") {
		t.Errorf("a start while it is away: %v", err)
	}
	kms.Fail(0)
	if err := openKeysOf(t, cfg).Open(t.Context(), &ev); err != nil || ev.Subject != "ann" {
		t.Errorf("%v %+v", err, ev)
	}
	other := cfg
	other.KMS = &KMS{URL: kms.URL + "/v1/transit", Key: "another", Token: "s3cr3t-token"}
	if _, err := OpenKeys(t.Context(), other); !errors.Is(err, ErrMaster) {
		t.Errorf("with another key of the service: %v", err)
	}
	other.KMS = &KMS{URL: kms.URL + "/v1/transit", Key: "durward", Token: "s3cr3t-wrong"}
	if _, err := OpenKeys(t.Context(), other); err == nil || strings.Contains(err.Error(), "s3cr3t") {
		t.Errorf("with a wrong token: %v", err)
	}
}

func TestAnAnswerOfTheServiceIsHeldAgainstWhatItShouldBe(t *testing.T) {
	answers := map[string]string{
		"no JSON": "<html>", "nothing": "{}", "a short key": `{"data":{"plaintext":"AAAA","ciphertext":""}}`,
		"an endless one": `{"data":{"plaintext":"` + strings.Repeat("A", 2*kmsAnswer),
	}
	for name, answer := range answers {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, answer) }))
		k, err := newTransit(&KMS{URL: server.URL, Key: "k", Token: "t"})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := k.Wrap(t.Context(), make([]byte, keySize)); err == nil {
			t.Errorf("%s: wrapped", name)
		}
		if _, err := k.Unwrap(t.Context(), []byte("x")); err == nil {
			t.Errorf("%s: unwrapped", name)
		}
		server.Close()
	}
}

func TestTheTokenIsNotTakenElsewhere(t *testing.T) {
	asked := false
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked = true }))
	defer other.Close()
	server := httptest.NewServer(http.RedirectHandler(other.URL, http.StatusTemporaryRedirect))
	defer server.Close()
	k, _ := newTransit(&KMS{URL: server.URL, Key: "k", Token: "t"})
	if _, err := k.Wrap(t.Context(), nil); err == nil || asked {
		t.Errorf("followed: %v %t", err, asked)
	}
}

func TestTheServicesCertificateIsChecked(t *testing.T) {
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, `{"data":{"ciphertext":"c"}}`)
	}))
	defer server.Close()
	ca := filepath.Join(t.TempDir(), "ca.pem")
	os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}), 0o600)
	for path, want := range map[string]bool{"": false, ca: true} {
		k, err := newTransit(&KMS{URL: server.URL, Key: "k", Token: "t", CA: path})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := k.Wrap(t.Context(), nil); (err == nil) != want {
			t.Errorf("with %q: %v", path, err)
		}
	}
	os.WriteFile(ca, []byte("no certificate"), 0o600)
	if _, err := newTransit(&KMS{CA: ca}); err == nil {
		t.Error("a file without a certificate")
	}
}

func TestAServiceThatHangsIsGivenUp(t *testing.T) {
	hold := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-hold }))
	defer server.Close()
	defer close(hold)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	k, _ := newTransit(&KMS{URL: server.URL, Key: "k", Token: "t"})
	if _, err := k.Wrap(ctx, nil); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
}

func TestEveryFaultOfTheConfigurationIsNamed(t *testing.T) {
	good := KMS{URL: "https://kms.example.com/v1/transit", Key: "k", Token: "t"}
	for want, cfg := range map[string]Config{
		"":              {},
		" ":             {MasterKey: testKey, Fields: []string{"path"}, ObjectIDs: []string{"*"}},
		"  ":            {KMS: &good},
		"kms":           {MasterKey: testKey, KMS: &good},
		"master_key":    {MasterKey: "short"},
		"fields[0]":     {MasterKey: testKey, Fields: []string{"shoe"}},
		"object_ids[0]": {MasterKey: testKey, ObjectIDs: []string{""}},
		"kms.url":       {KMS: &KMS{URL: "http://kms.example.com", Key: "k", Token: "t"}},
		"kms.key":       {KMS: &KMS{URL: good.URL, Key: "a/b", Token: "t"}},
		"kms.token":     {KMS: &KMS{URL: good.URL, Key: "k"}},
		"without it":    {Keys: "x"},
	} {
		err := cfg.Check()
		if want = strings.TrimSpace(want); (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
}

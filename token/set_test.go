// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package token

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	jose "github.com/go-jose/go-jose/v4"
)

func TestThePublishedSetHoldsNothingSecret(t *testing.T) {
	for _, alg := range []string{"EdDSA", "ES256"} {
		k, err := newKey(alg, start)
		if err != nil {
			t.Fatal(err)
		}
		set := newKeySet([]*key{k}, false)
		var doc struct{ Keys []map[string]string }
		if err := json.Unmarshal(set.body, &doc); err != nil || len(doc.Keys) != 1 {
			t.Fatalf("%s: %v", set.body, err)
		}
		for name := range doc.Keys[0] {
			if !strings.Contains(" kty crv x y use alg kid ", " "+name+" ") {
				t.Errorf("%s publishes %q", alg, name)
			}
		}
		var parsed jose.JSONWebKeySet
		if err := json.Unmarshal(set.body, &parsed); err != nil || !parsed.Keys[0].IsPublic() || !parsed.Keys[0].Valid() {
			t.Errorf("%s: another library reads it as %v, %v", alg, parsed, err)
		}
		if sum, err := parsed.Keys[0].Thumbprint(5); err != nil || b64.EncodeToString(sum) != k.id { // 5 is SHA-256
			t.Errorf("%s: the kid is not the thumbprint of RFC 7638: %v", alg, err)
		}
	}
}

func TestTheHandlerServesTheSetAndNothingElse(t *testing.T) {
	k := openDir(t, t.TempDir(), newClock())
	body, etag, _ := k.JWKS()
	for _, tc := range []struct {
		name, method, match string
		status              int
		body                string
	}{
		{"GET", http.MethodGet, "", 200, string(body)},
		{"HEAD", http.MethodHead, "", 200, ""},
		{"a copy that is still good", http.MethodGet, etag, 304, ""},
		{"a list of copies", http.MethodGet, `W/"x", ` + etag, 304, ""},
		{"an old copy", http.MethodGet, `"old"`, 200, string(body)},
		{"POST", http.MethodPost, "", 405, ""},
		{"DELETE", http.MethodDelete, "", 405, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := httptest.NewServer(k.Handler())
			defer s.Close()
			req, err := http.NewRequestWithContext(t.Context(), tc.method, s.URL, nil)
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("If-None-Match", tc.match)
			resp, err := s.Client().Do(req)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			var got strings.Builder
			if err := resp.Write(&got); err != nil {
				t.Fatal(err)
			}
			if resp.StatusCode != tc.status || !strings.HasSuffix(got.String(), "\r\n\r\n"+tc.body) {
				t.Errorf("answer\n%s", got.String())
			}
			if age := resp.Header.Get("Cache-Control"); tc.status != 405 && age != "public, max-age=300" {
				t.Errorf("Cache-Control: %s", age)
			}
			if allow := resp.Header.Get("Allow"); (tc.status == 405) != (allow == "GET, HEAD") {
				t.Errorf("Allow: %s", allow)
			}
		})
	}
}

func TestTheSetMayBeKeptForLessThanANewKeyWaits(t *testing.T) {
	for _, c := range []Config{{Directory: "d"}, {Directory: "d", RotateAfter: hours(1)}, {Directory: "d", RotateAfter: hours(1000), PublishAhead: hours(500)}, {KeyFiles: []string{"a"}}} {
		d := c.withDefaults()
		if age := d.maxAge(); age <= 0 || c.Directory != "" && age+pollInterval >= d.PublishAhead.Std()/2 {
			t.Errorf("%+v: %v", d, age)
		}
	}
}

func TestTheFilesAreLookedAtByThemselves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		c := &clock{t: time.Now()}
		a := openDir(t, dir, c)
		b := openDir(t, dir, c)
		c.add(36 * time.Hour)
		refresh(t, a) // makes the next key
		if published(b) != "signing" {
			t.Error(published(b))
		}
		time.Sleep(pollInterval + time.Second) // of the bubble's clock
		synctest.Wait()
		if published(b) != "signing next" {
			t.Errorf("the other node has not seen the key: %s", published(b))
		}
	})
}

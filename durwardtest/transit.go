// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package durwardtest

import (
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
)

// Transit is a key management service with the two calls of Vault's transit
// engine that encrypt and decrypt, below /v1/transit. What it encrypts is only
// hidden, by a number: it is for tests.
type Transit struct {
	*httptest.Server
	Token string // that it takes; set it before the first call

	mu     sync.Mutex
	hidden []string
	status int
}

// NewTransit starts one on the loopback. Close it.
func NewTransit(token string) *Transit {
	t := &Transit{Token: token}
	t.Server = httptest.NewServer(http.HandlerFunc(t.serve))
	return t
}

// Fail makes it answer with a status; 0 ends that.
func (t *Transit) Fail(status int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.status = status
}

func (t *Transit) serve(w http.ResponseWriter, r *http.Request) {
	t.mu.Lock()
	defer t.mu.Unlock()
	body, _ := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	var q struct{ Plaintext, Ciphertext string }
	verb, key, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/v1/transit/"), "/")
	prefix := "vault:v1:" + key + ":"
	data := map[string]string{}
	switch {
	case t.status != 0:
		w.WriteHeader(t.status)
		return
	case r.Header.Get("X-Vault-Token") != t.Token:
		w.WriteHeader(http.StatusForbidden)
		return
	case r.Method != http.MethodPost || json.Unmarshal(body, &q) != nil:
		w.WriteHeader(http.StatusBadRequest)
		return
	case verb == "encrypt":
		t.hidden = append(t.hidden, q.Plaintext)
		data["ciphertext"] = prefix + base64.StdEncoding.EncodeToString([]byte{byte(len(t.hidden) - 1)})
	case verb == "decrypt":
		at, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(q.Ciphertext, prefix))
		if err != nil || len(at) != 1 || int(at[0]) >= len(t.hidden) {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		data["plaintext"] = t.hidden[at[0]]
	default:
		w.WriteHeader(http.StatusNotFound)
		return
	}
	json.NewEncoder(w).Encode(map[string]any{"data": data})
}

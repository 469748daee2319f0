// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package jwtshop

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"slices"
	"strings"
	"time"
)

type credentials struct {
	Email    string `json:"email"`
	Password string `json:"password"`
}

func (s *shop) byEmail(email string) *user {
	for _, u := range s.users {
		if u.Email == email {
			return u
		}
	}
	return nil
}

func (s *shop) register(w http.ResponseWriter, r *http.Request, _ *user) error {
	var in struct {
		credentials
		Name string  `json:"name"`
		Role *string `json:"role"`
	}
	if err := read(r, &in); err != nil {
		return err
	}
	if in.Role != nil && !s.flaws["mass-register-role"] || !strings.Contains(in.Email, "@") ||
		long(in.Email, 100) || len(in.Password) < 8 || long(in.Name, 60) || in.Name == "" {
		return errInvalid
	}
	if s.byEmail(in.Email) != nil || len(s.users) > 5000 {
		return errExists
	}
	u := &user{ID: "u-" + uuid(), Email: in.Email, Name: in.Name, Role: "user", password: in.Password}
	if in.Role != nil {
		u.Role = *in.Role
	}
	s.users = append(s.users, u)
	out := map[string]any{"id": u.ID, "email": u.Email, "name": u.Name, "role": u.Role}
	if s.flaws["exposure-register-password"] {
		out["password"] = u.password
	}
	ok(w, http.StatusCreated, out)
	return nil
}

// attempts is after how many failures within the window a name is refused.
const attempts, window = 10, 3 * time.Second

func (s *shop) login(w http.ResponseWriter, r *http.Request, _ *user) error {
	var in credentials
	if err := read(r, &in); err != nil {
		return err
	}
	recent := slices.DeleteFunc(s.failures[in.Email], func(t time.Time) bool { return s.now().Sub(t) > window })
	if len(recent) >= attempts && !s.flaws["login-unlimited"] || len(s.failures) > 10000 {
		w.Header().Set("Retry-After", "4")
		return fault{http.StatusTooManyRequests, "too many attempts"}
	}
	u := s.byEmail(in.Email)
	if u == nil || u.password != in.Password {
		s.failures[in.Email] = append(recent, s.now())
		return fault{http.StatusUnauthorized, "wrong e-mail or password"}
	}
	delete(s.failures, in.Email)
	ok(w, http.StatusOK, map[string]any{"token": s.issue(u), "expires_in": 3600})
	return nil
}

func (s *shop) logout(w http.ResponseWriter, r *http.Request, _ *user) error {
	token, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if c, err := s.verify(token, false); err == nil {
		s.revoked[c.Jti] = true
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func (s *shop) me(w http.ResponseWriter, _ *http.Request, u *user) error {
	ok(w, http.StatusOK, u)
	return nil
}

func (s *shop) changeMe(w http.ResponseWriter, r *http.Request, u *user) error {
	var in struct {
		Name    *string  `json:"name"`
		Phone   *string  `json:"phone"`
		Role    *string  `json:"role"`
		Balance *float64 `json:"balance"`
	}
	if s.flaws["mass-profile-role"] || s.flaws["mass-profile-balance"] {
		if err := loose(r, &in); err != nil {
			return err
		}
	} else if err := read(r, &in); err != nil {
		return err
	}
	switch {
	case in.Role != nil && !s.flaws["mass-profile-role"], in.Balance != nil && !s.flaws["mass-profile-balance"],
		in.Name != nil && (long(*in.Name, 60) || *in.Name == ""), in.Phone != nil && long(*in.Phone, 30):
		return errInvalid
	}
	set(&u.Name, in.Name)
	set(&u.Phone, in.Phone)
	set(&u.Role, in.Role)
	set(&u.Balance, in.Balance)
	ok(w, http.StatusOK, u)
	return nil
}

func set[T any](to *T, from *T) {
	if from != nil {
		*to = *from
	}
}

// getUser is a profile that everybody who is logged in may look at.
func (s *shop) getUser(w http.ResponseWriter, r *http.Request, _ *user) error {
	u := s.user(r.PathValue("id"))
	if u == nil {
		return errNotFound
	}
	out := map[string]any{"id": u.ID, "name": u.Name}
	if s.flaws["exposure-user"] {
		sum := sha256.Sum256([]byte(u.password))
		out["email"], out["phone"], out["password_hash"] = u.Email, u.Phone, hex.EncodeToString(sum[:])
	}
	ok(w, http.StatusOK, out)
	return nil
}

func (s *shop) adminUsers(w http.ResponseWriter, _ *http.Request, _ *user) error {
	ok(w, http.StatusOK, s.users)
	return nil
}

// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package world_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
)

// library is an API of users and books in the manner of many small ones: names
// are identifiers, refusals are told in the body, a token is named auth_token.
const libraryDocument = `
openapi: 3.0.1
info: {title: Library, version: "1"}
servers: [{url: "http://elsewhere.example:5000/"}]
components:
  securitySchemes: {bearerAuth: {type: http, scheme: bearer, bearerFormat: JWT}}
paths:
  /users/v1:
    get: {operationId: listUsers, responses: {"200": {description: ok}}}
  /users/v1/register:
    post:
      operationId: register
      requestBody: {content: {application/json: {schema: {type: object, properties: {
        username: {type: string, example: name1}, password: {type: string, example: pass1}, email: {type: string, example: user@tempmail.com}}}}}}
      responses: {"200": {description: ok}}
  /users/v1/login:
    post:
      operationId: login
      requestBody: {content: {application/json: {schema: {type: object, properties: {username: {type: string, example: name1}, password: {type: string, example: pass1}}}}}}
      responses: {"200": {description: ok}}
  /users/v1/{username}:
    parameters: [{name: username, in: path, required: true, schema: {type: string, example: name1}}]
    get: {operationId: getUser, responses: {"200": {description: ok}}}
    delete: {operationId: deleteUser, security: [{bearerAuth: []}], responses: {"200": {description: ok}}}
  /users/v1/{username}/password:
    parameters: [{name: username, in: path, required: true, schema: {type: string, example: name1}}]
    put:
      operationId: setPassword
      security: [{bearerAuth: []}]
      requestBody: {content: {application/json: {schema: {type: object, properties: {password: {type: string, example: pass4}}}}}}
      responses: {"204": {description: ok}}
  /books/v1:
    get: {operationId: listBooks, responses: {"200": {description: ok}}}
    post:
      operationId: addBook
      security: [{bearerAuth: []}]
      requestBody: {content: {application/json: {schema: {type: object, properties: {book_title: {type: string, example: book99}, secret: {type: string, example: pass1secret}}}}}}
      responses: {"200": {description: ok}}
  /books/v1/{book_title}:
    get:
      operationId: getBook
      security: [{bearerAuth: []}]
      parameters: [{name: book_title, in: path, required: true, schema: {type: string, example: bookTitle77}}]
      responses: {"200": {description: ok}}
`

type library struct {
	mu        sync.Mutex
	passwords map[string]string
	books     map[string][2]string // owner, secret
	tokens    map[string]string
	logins    int
}

func newLibrary() *library {
	return &library{passwords: map[string]string{"admin": "x"}, books: map[string][2]string{"old": {"admin", "s"}}, tokens: map[string]string{}}
}

func (l *library) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	l.mu.Lock()
	defer l.mu.Unlock()
	var in map[string]string
	_ = json.NewDecoder(r.Body).Decode(&in)
	me := l.tokens[strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")]
	fail := func(status int, text string) {
		w.WriteHeader(status)
		fmt.Fprintf(w, `{"status":"fail","message":%q}`, text)
	}
	parts := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	switch {
	case r.Method == "POST" && r.URL.Path == "/users/v1/register":
		if l.passwords[in["username"]] != "" || in["username"] == "" || in["password"] == "" || in["email"] == "" {
			fail(200, "User already exists. Please Log in.")
			return
		}
		l.passwords[in["username"]] = in["password"]
		fmt.Fprint(w, `{"status":"success","message":"Successfully registered."}`)
	case r.Method == "POST" && r.URL.Path == "/users/v1/login":
		if p := l.passwords[in["username"]]; p == "" || p != in["password"] {
			fail(200, "Password is not correct for the given username.")
			return
		}
		l.logins++
		token := fmt.Sprintf("token-%d-%s", l.logins, in["username"])
		l.tokens[token] = in["username"]
		fmt.Fprintf(w, `{"auth_token":%q,"status":"success","message":"Successfully logged in."}`, token)
	case r.Method == "GET" && r.URL.Path == "/users/v1":
		fmt.Fprint(w, `{"users":[{"email":"admin@mail.example","username":"admin"}]}`)
	case r.Method == "GET" && r.URL.Path == "/books/v1":
		fmt.Fprint(w, `{"Books":[{"book_title":"old","user":"admin"}]}`)
	case r.Method == "GET" && parts[0] == "users" && len(parts) == 3:
		if l.passwords[parts[2]] == "" {
			fail(404, "User not found")
			return
		}
		fmt.Fprintf(w, `{"username":%q,"email":"e"}`, parts[2])
	case me == "":
		fail(401, "Invalid token. Please log in again.")
	case r.Method == "PUT" && len(parts) == 4:
		if parts[2] == me {
			l.passwords[me] = in["password"]
		}
		w.WriteHeader(204)
	case r.Method == "POST":
		if in["book_title"] == "" || l.books[in["book_title"]] != [2]string{} {
			fail(400, "Book Already exists!")
			return
		}
		l.books[in["book_title"]] = [2]string{me, in["secret"]}
		fmt.Fprint(w, `{"status":"success","message":"Book has been added."}`)
	case r.Method == "GET":
		if b := l.books[parts[2]]; b[0] == me {
			fmt.Fprintf(w, `{"book_title":%q,"secret":%q,"owner":%q}`, parts[2], b[1], b[0])
			return
		}
		fail(404, "Book not found!")
	default:
		fail(401, "Only Admins may delete users!")
	}
}

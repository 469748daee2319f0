// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package world_test

import (
	"encoding/json"
	"fmt"
	"hash/crc32"
	"net/http"
	"strings"
	"sync"
)

// garage is an API of vehicles, posts and orders below several prefixes:
// identifiers are uuids and numbers, in envelopes, in queries and in bodies, and
// a token has no scheme in the document.
const garageDocument = `
swagger: "2.0"
info: {title: Garage, version: "1"}
basePath: /api
consumes: [application/json]
paths:
  /auth/signup:
    post:
      parameters: [{name: body, in: body, schema: {type: object, required: [email, name, number, password], properties: {
        email: {type: string}, name: {type: string}, number: {type: string}, password: {type: string}}}}]
      responses: {"200": {description: ok}}
  /auth/login:
    post:
      parameters: [{name: body, in: body, schema: {type: object, required: [email, password], properties: {email: {type: string}, password: {type: string}}}}]
      responses: {"200": {description: ok}}
  /v2/vehicle/vehicles:
    get: {responses: {"200": {description: ok}}}
  /v2/vehicle/{vehicleId}/location:
    get:
      parameters: [{name: vehicleId, in: path, required: true, type: string, format: uuid}]
      responses: {"200": {description: ok}}
  /community/posts:
    post:
      parameters: [{name: body, in: body, schema: {type: object, properties: {title: {type: string}, content: {type: string}}}}]
      responses: {"200": {description: ok}}
  /community/posts/recent:
    get: {responses: {"200": {description: ok}}}
  /community/posts/{postId}:
    get:
      parameters: [{name: postId, in: path, required: true, type: string}]
      responses: {"200": {description: ok}}
  /shop/products:
    get: {responses: {"200": {description: ok}}}
  /shop/orders:
    post:
      parameters: [{name: body, in: body, schema: {type: object, required: [product_id, quantity], properties: {product_id: {type: integer}, quantity: {type: integer}}}}]
      responses: {"200": {description: ok}}
  /shop/orders/{order_id}:
    get:
      parameters: [{name: order_id, in: path, required: true, type: integer}]
      responses: {"200": {description: ok}}
  /shop/orders/return_order:
    post:
      parameters: [{name: order_id, in: query, required: true, type: integer}]
      responses: {"200": {description: ok}}
`

type garage struct {
	mu     sync.Mutex
	users  map[string]string
	posts  []string
	orders []string // owners
}

func (g *garage) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	g.mu.Lock()
	defer g.mu.Unlock()
	var in map[string]any
	_ = json.NewDecoder(r.Body).Decode(&in)
	text := func(n string) string { s, _ := in[n].(string); return s }
	path := strings.TrimPrefix(r.URL.Path, "/api")
	me, _ := strings.CutPrefix(r.Header.Get("X-Access-Token"), "jwt.of.")
	switch {
	case path == "/auth/signup":
		if text("email") == "" || !strings.Contains(text("email"), "@") || g.users[text("email")] != "" || strings.Trim(text("number"), "0123456789") != "" {
			http.Error(w, `{"message":"invalid"}`, http.StatusBadRequest)
			return
		}
		g.users[text("email")] = text("password")
		fmt.Fprint(w, `{"message":"registered","status":200}`)
		return
	case path == "/auth/login":
		if p := g.users[text("email")]; p == "" || p != text("password") {
			http.Error(w, `{"message":"Invalid Credentials"}`, http.StatusUnauthorized)
			return
		}
		fmt.Fprintf(w, `{"token":"jwt.of.%s","type":"Bearer"}`, text("email"))
		return
	case g.users[me] == "":
		http.Error(w, `{"message":"JWT Token required!"}`, http.StatusUnauthorized)
		return
	}
	uuid := fmt.Sprintf("00000000-0000-4000-8000-%012x", crc32.ChecksumIEEE([]byte(me)))
	order := func(id string) (int, bool) {
		var n int
		_, err := fmt.Sscan(id, &n)
		return n, err == nil && n >= 1 && n <= len(g.orders) && g.orders[n-1] == me
	}
	switch {
	case path == "/v2/vehicle/vehicles":
		fmt.Fprintf(w, `[{"uuid":%q,"year":2019,"model":{"model":"A","fuel_type":"DIESEL"}}]`, uuid)
	case path == "/v2/vehicle/"+uuid+"/location":
		fmt.Fprintf(w, `{"carId":%q,"vehicleLocation":{"latitude":"1"}}`, uuid)
	case path == "/community/posts" && r.Method == "POST":
		g.posts = append(g.posts, me)
		fmt.Fprintf(w, `{"id":"p%d","title":%q,"author":{"nickname":"n","email":%q}}`, len(g.posts), text("title"), me)
	case path == "/community/posts/recent":
		fmt.Fprint(w, `{"posts":[{"id":"p1","title":"t"}],"total":1}`)
	case strings.HasPrefix(path, "/community/posts/p"):
		fmt.Fprintf(w, `{"id":%q,"title":"t"}`, path[len("/community/posts/"):])
	case path == "/shop/products":
		fmt.Fprint(w, `{"products":[{"id":41,"name":"Seat","price":"10.00"}],"credit":100}`)
	case path == "/shop/orders" && r.Method == "POST":
		if in["product_id"] != 41.0 {
			http.Error(w, `{"message":"no such product"}`, http.StatusBadRequest)
			return
		}
		g.orders = append(g.orders, me)
		fmt.Fprintf(w, `{"id":%d,"message":"Order sent successfully.","credit":90}`, len(g.orders))
	case path == "/shop/orders/return_order":
		if _, ok := order(r.URL.Query().Get("order_id")); !ok {
			http.Error(w, `{"message":"not yours"}`, http.StatusForbidden)
			return
		}
		fmt.Fprint(w, `{"message":"Please use the following QR code"}`)
	default:
		id, ok := order(strings.TrimPrefix(path, "/shop/orders/"))
		if !ok {
			http.Error(w, `{"message":"not found"}`, http.StatusNotFound)
			return
		}
		fmt.Fprintf(w, `{"order":{"id":%d,"user":{"email":%q},"quantity":1}}`, id, me)
	}
}

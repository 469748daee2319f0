// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package injection

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"

	_ "modernc.org/sqlite" // the driver
)

// schema is the data that every service starts with.
const schema = `
CREATE TABLE users (name TEXT PRIMARY KEY, password TEXT, badge TEXT);
INSERT INTO users VALUES ('alice','alice-Pass-1','B-4711'), ('bob','bob-Pass-2','B-4712'), ('admin','z9!unguessable','B-0001');
CREATE TABLE products (id INTEGER PRIMARY KEY, name TEXT, category TEXT, price REAL);
INSERT INTO products VALUES (1,'hammer','tools',12.5), (2,'saw','tools',19), (3,'lamp','light',30), (4,'bulb','light',2.2),
 (5,'rope','outdoor',9), (6,'tent','outdoor',129), (7,'anvil','tools',240);
CREATE TABLE reviews (id INTEGER PRIMARY KEY, product INTEGER, stars INTEGER, words TEXT);
INSERT INTO reviews VALUES (1,1,5,'Hits nails.'), (2,1,3,'Heavy.'), (3,2,4,'Cuts.'), (4,3,1,'Dark.');
CREATE TABLE suppliers (code TEXT PRIMARY KEY, name TEXT, city TEXT);
INSERT INTO suppliers VALUES ('ACME','Acme Trading','Leeds'), ('BOLT','Bolt & Sons','Turin'), ('CORK','Cork Ltd','Porto');
CREATE TABLE coupons (code TEXT PRIMARY KEY, percent INTEGER);
INSERT INTO coupons VALUES ('SPRING',10), ('AUTUMN',15);
`

// open makes the database and the files.
func (a *app) open() (err error) {
	if a.dir, err = os.MkdirTemp("", "injection-*"); err != nil {
		return err
	}
	if a.db, err = sql.Open("sqlite", "file:"+filepath.Join(a.dir, "data.db")+"?_pragma=busy_timeout(5000)"); err != nil {
		return err
	}
	a.db.SetMaxOpenConns(8)
	if _, err = a.db.Exec(schema); err != nil {
		return err
	}
	return a.files()
}

func (a *app) stockRoutes() []operation {
	return []operation{
		{"GET /products", true, a.products},
		{"GET /products/search", true, a.search},
		{"GET /products/{id}", true, a.product},
		{"DELETE /products/{id}", false, a.discontinue},
		{"GET /reviews", true, a.reviews},
		{"GET /suppliers/{code}", false, a.supplier},
		{"GET /stock", false, a.stock},
		{"POST /reports", false, a.report},
		{"GET /coupons/check", false, a.coupon},
	}
}

// rows runs a query and gives what it found, each row as an object.
func (a *app) rows(ctx context.Context, query string, args ...any) ([]object, error) {
	found, err := a.db.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer found.Close()
	names, err := found.Columns()
	if err != nil {
		return nil, err
	}
	out := []object{}
	for found.Next() {
		cells := make([]any, len(names))
		into := make([]any, len(names))
		for i := range cells {
			into[i] = &cells[i]
		}
		if err := found.Scan(into...); err != nil {
			return nil, err
		}
		row := object{}
		for i, n := range names {
			row[n] = cells[i]
		}
		out = append(out, row)
	}
	return out, found.Err()
}

// products lists products of a category. Flaw filter-sql: a query made of text,
// that tells nothing of its errors.
func (a *app) products(w http.ResponseWriter, r *http.Request) {
	category := r.URL.Query().Get("category")
	var found []object
	var err error
	switch {
	case category == "":
		found, err = a.rows(r.Context(), "SELECT id, name, category, price FROM products ORDER BY id")
	case a.has["filter-sql"]:
		found, err = a.rows(r.Context(), "SELECT id, name, category, price FROM products WHERE category = '"+category+"' ORDER BY id")
	default:
		found, err = a.rows(r.Context(), "SELECT id, name, category, price FROM products WHERE category = ? ORDER BY id", category)
	}
	if err != nil {
		found = []object{}
	}
	reply(w, http.StatusOK, object{"products": found, "count": len(found)})
}

// search looks for a part of a name, and gives the query back, as searches do.
// Flaw search-sql: the database's own error is the answer.
func (a *app) search(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query().Get("q")
	var found []object
	var err error
	if a.has["search-sql"] {
		found, err = a.rows(r.Context(), "SELECT id, name FROM products WHERE name LIKE '%"+q+"%'")
	} else {
		found, err = a.rows(r.Context(), "SELECT id, name FROM products WHERE instr(name, ?) > 0", q)
	}
	if err != nil {
		reply(w, http.StatusInternalServerError, object{"error": err.Error()})
		return
	}
	reply(w, http.StatusOK, object{"query": q, "results": found})
}

func (a *app) product(w http.ResponseWriter, r *http.Request) {
	a.one(w, r, "SELECT id, name, category, price FROM products WHERE id = ?", r.PathValue("id"))
}

func (a *app) discontinue(w http.ResponseWriter, r *http.Request) {
	n, err := strconv.Atoi(r.PathValue("id"))
	if err != nil {
		fail(w, http.StatusBadRequest, "no number")
		return
	}
	// Products that came with the service stay, so that tests can be repeated.
	reply(w, http.StatusAccepted, object{"discontinued": n, "by": user(r)})
}

func (a *app) one(w http.ResponseWriter, r *http.Request, query string, args ...any) {
	found, err := a.rows(r.Context(), query, args...)
	switch {
	case err != nil:
		fail(w, http.StatusInternalServerError, "internal error")
	case len(found) == 0:
		fail(w, http.StatusNotFound, "not found")
	default:
		reply(w, http.StatusOK, found[0])
	}
}

// reviews lists what was said of a product. Flaw number-sql: a number that is
// not looked at, in a query without quotes.
func (a *app) reviews(w http.ResponseWriter, r *http.Request) {
	of := r.URL.Query().Get("product")
	query, args := "SELECT id, stars, words FROM reviews WHERE product = ?", []any{}
	if a.has["number-sql"] {
		query = "SELECT id, stars, words FROM reviews WHERE product = " + of
	} else {
		n, err := strconv.Atoi(of)
		if err != nil {
			fail(w, http.StatusBadRequest, "product is no number")
			return
		}
		args = append(args, n)
	}
	found, err := a.rows(r.Context(), query, args...)
	if err != nil {
		fail(w, http.StatusInternalServerError, "internal error")
		return
	}
	reply(w, http.StatusOK, found)
}

// supplier reads one by its code. Flaw path-sql.
func (a *app) supplier(w http.ResponseWriter, r *http.Request) {
	if code := r.PathValue("code"); a.has["path-sql"] {
		a.one(w, r, "SELECT code, name, city FROM suppliers WHERE (code = '"+code+"')")
	} else {
		a.one(w, r, "SELECT code, name, city FROM suppliers WHERE code = ?", code)
	}
}

var sortable = map[string]string{"": "id", "id": "id", "name": "name", "price": "price"}

// stock lists everything in an order. Flaw sort-sql: any expression is an order.
func (a *app) stock(w http.ResponseWriter, r *http.Request) {
	by, ok := sortable[r.URL.Query().Get("sort")]
	if a.has["sort-sql"] && !ok {
		by, ok = r.URL.Query().Get("sort"), true
	}
	if !ok {
		fail(w, http.StatusBadRequest, "cannot sort by that")
		return
	}
	found, err := a.rows(r.Context(), "SELECT id, name, price FROM products ORDER BY "+by)
	if err != nil {
		fail(w, http.StatusBadRequest, "cannot sort by that")
		return
	}
	reply(w, http.StatusOK, object{"stock": found})
}

// report counts products. Flaw json-sql: a member of the body in a query.
func (a *app) report(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Category string  `json:"category"`
		MinPrice float64 `json:"min_price"`
	}
	if !a.body(w, r, &in) {
		return
	}
	var n int
	var total sql.NullFloat64
	var err error
	if a.has["json-sql"] {
		err = a.db.QueryRowContext(r.Context(), fmt.Sprintf(
			"SELECT count(*), sum(price) FROM products WHERE price >= %g AND category = '%s'", in.MinPrice, in.Category)).Scan(&n, &total)
	} else {
		err = a.db.QueryRowContext(r.Context(),
			"SELECT count(*), sum(price) FROM products WHERE price >= ? AND category = ?", in.MinPrice, in.Category).Scan(&n, &total)
	}
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		fail(w, http.StatusInternalServerError, "internal error")
		return
	}
	reply(w, http.StatusOK, object{"products": n, "total": total.Float64})
}

// coupon takes note of a code. It always says the same, so that nobody learns
// which codes exist. Flaw time-sql: only the time tells.
func (a *app) coupon(w http.ResponseWriter, r *http.Request) {
	if code := r.URL.Query().Get("code"); a.has["time-sql"] {
		_, _ = a.rows(r.Context(), "SELECT percent FROM coupons WHERE code = '"+code+"'")
	} else {
		_, _ = a.rows(r.Context(), "SELECT percent FROM coupons WHERE code = ?", code)
	}
	reply(w, http.StatusOK, object{"received": true})
}

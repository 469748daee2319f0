package waf
import ("testing";"time";"runtime";"durward/waf/gate";"durward")
func TestX(t *testing.T){
 var m0,m1 runtime.MemStats
 runtime.GC(); runtime.ReadMemStats(&m0)
 b:=NewBuilder(nil)
 cfg:=Config{Exclusions: []Exclusion{{Rules:[]string{"942000-942999"}, Parameters: []string{"query.q","body.a.*.b"}}}}
 d,err:=b.Operation("op",cfg,"PUT",[]string{"application/merge-patch+json"})
 if err!=nil{t.Fatal(err)}
 now:=time.Now()
 r,err:=b.Rules(now,d)
 if err!=nil{t.Fatal(err)}
 t.Log(r.Text)
 t0:=time.Now()
 e,err:=NewEngine(r)
 if err!=nil{t.Fatal(err)}
 t.Log(time.Since(t0),e.Count())
 runtime.GC(); runtime.ReadMemStats(&m1)
 t.Log("heap MiB", (m1.HeapAlloc-m0.HeapAlloc)>>20)
 t0=time.Now()
 e2,err:=newEngine(r.Response,r.FS)
 if err!=nil{t.Fatal(err)}
 t.Log(time.Since(t0),e2.Count())
 runtime.GC(); runtime.ReadMemStats(&m1)
 t.Log("heap MiB", (m1.HeapAlloc-m0.HeapAlloc)>>20)
 s:=cfg.settings()
 q:=&gate.Request{Method:"GET",URI:"/x?q=1%27%20or%201=1--&z=1",Protocol:"HTTP/1.1",Host:"localhost",ServerName:"localhost",Header:durward.Header{{"User-Agent","x"},{"Accept","*/*"}}}
 t.Log(e.Inspect(q,&s))
 s.Profile=d.profileAt(now)
 t.Log(e.Inspect(q,&s))
 s.Report=true
 q.URI="/x?z=1%27%20or%201=1--"
 t.Log(e.Inspect(q,&s))
 q.Method="PUT"; q.URI="/"; q.Inspect=true
 q.Header=append(q.Header,durward.Field{"Content-Type","application/json"},durward.Field{"Content-Length","5"})
 q.Body=[]byte(`{"a":[{"b":"1' or 1=1--"}],"c":"<script>alert(1)</script>"}`)
 t.Log(e.Inspect(q,&s))
}

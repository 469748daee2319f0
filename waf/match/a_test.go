package match
import ("testing";"time";"fmt";"sort")
func TestA(t *testing.T){
 ps:=rulePatterns(t)
 t0:=time.Now()
 s,err:=NewSet(ps,Options{})
 if err!=nil{t.Fatal(err)}
 fmt.Println(len(ps),time.Since(t0))
 idx:=[]int{}
 for i,m:=range s.matchers{ if m!=nil{idx=append(idx,i)}}
 sort.Slice(idx,func(a,b int)bool{return s.matchers[idx[a]].plan.cost>s.matchers[idx[b]].plan.cost})
 tot:=0.
 for _,i:=range idx{ m:=s.matchers[i]; tot+=m.plan.cost; fmt.Printf("%d st=%d %.4f n=%d %v %s\n",i,m.plan.strategy,m.plan.cost,len(m.plan.windows),m.plan.behind, ps[i].Expr[:min(120,len(ps[i].Expr))])}
 fmt.Println("sum",tot)
}

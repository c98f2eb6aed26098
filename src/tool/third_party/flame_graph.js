/*! Made by scripts/flame-graph of these packages:

d3-array 3.2.5 (ISC), d3-color 3.1.1 (ISC), d3-dispatch 3.0.2 (ISC), d3-format 3.1.3 (ISC),
 d3-hierarchy 3.1.3 (ISC), d3-interpolate 3.0.2 (ISC), d3-scale 4.0.3 (ISC), d3-selection 3.0.1 (ISC),
 d3-time 3.1.1 (ISC), d3-time-format 4.1.1 (ISC), d3-timer 3.0.2 (ISC), d3-transition 3.0.2 (ISC)

Copyright 2010-2026 Mike Bostock

Permission to use, copy, modify, and/or distribute this software for any purpose
with or without fee is hereby granted, provided that the above copyright notice
and this permission notice appear in all copies.

THE SOFTWARE IS PROVIDED "AS IS" AND THE AUTHOR DISCLAIMS ALL WARRANTIES WITH
REGARD TO THIS SOFTWARE INCLUDING ALL IMPLIED WARRANTIES OF MERCHANTABILITY AND
FITNESS. IN NO EVENT SHALL THE AUTHOR BE LIABLE FOR ANY SPECIAL, DIRECT,
INDIRECT, OR CONSEQUENTIAL DAMAGES OR ANY DAMAGES WHATSOEVER RESULTING FROM LOSS
OF USE, DATA OR PROFITS, WHETHER IN AN ACTION OF CONTRACT, NEGLIGENCE OR OTHER
TORTIOUS ACTION, ARISING OUT OF OR IN CONNECTION WITH THE USE OR PERFORMANCE OF
THIS SOFTWARE.

d3-ease 3.0.2 (BSD-3-Clause)

Copyright 2010-2026 Mike Bostock
Copyright 2001 Robert Penner
All rights reserved.

Redistribution and use in source and binary forms, with or without modification,
are permitted provided that the following conditions are met:

* Redistributions of source code must retain the above copyright notice, this
  list of conditions and the following disclaimer.

* Redistributions in binary form must reproduce the above copyright notice,
  this list of conditions and the following disclaimer in the documentation
  and/or other materials provided with the distribution.

* Neither the name of the author nor the names of contributors may be used to
  endorse or promote products derived from this software without specific prior
  written permission.

THIS SOFTWARE IS PROVIDED BY THE COPYRIGHT HOLDERS AND CONTRIBUTORS "AS IS" AND
ANY EXPRESS OR IMPLIED WARRANTIES, INCLUDING, BUT NOT LIMITED TO, THE IMPLIED
WARRANTIES OF MERCHANTABILITY AND FITNESS FOR A PARTICULAR PURPOSE ARE
DISCLAIMED. IN NO EVENT SHALL THE COPYRIGHT OWNER OR CONTRIBUTORS BE LIABLE FOR
ANY DIRECT, INDIRECT, INCIDENTAL, SPECIAL, EXEMPLARY, OR CONSEQUENTIAL DAMAGES
(INCLUDING, BUT NOT LIMITED TO, PROCUREMENT OF SUBSTITUTE GOODS OR SERVICES;
LOSS OF USE, DATA, OR PROFITS; OR BUSINESS INTERRUPTION) HOWEVER CAUSED AND ON
ANY THEORY OF LIABILITY, WHETHER IN CONTRACT, STRICT LIABILITY, OR TORT
(INCLUDING NEGLIGENCE OR OTHERWISE) ARISING IN ANY WAY OUT OF THE USE OF THIS
SOFTWARE, EVEN IF ADVISED OF THE POSSIBILITY OF SUCH DAMAGE.

d3-flame-graph 5.0.0 (Apache-2.0)

By Martin Spier <spiermar@gmail.com>.
Licensed under the Apache License, Version 2.0 (the "License");
you may not use this file except in compliance with the License.
You may obtain a copy of the License at

    http://www.apache.org/licenses/LICENSE-2.0

Unless required by applicable law or agreed to in writing, software
distributed under the License is distributed on an "AS IS" BASIS,
WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
See the License for the specific language governing permissions and
limitations under the License.
*/
var flame=(()=>{var At=Object.defineProperty;var Vr=Object.getOwnPropertyDescriptor;var Xr=Object.getOwnPropertyNames;var Yr=Object.prototype.hasOwnProperty;var Ur=(n,t)=>{for(var e in t)At(n,e,{get:t[e],enumerable:!0})},Wr=(n,t,e,r)=>{if(t&&typeof t=="object"||typeof t==
"function")for(let i of Xr(t))!Yr.call(n,i)&&i!==e&&At(n,i,{get:()=>t[i],enumerable:!(r=Vr(t,i))||r.enumerable});
return n};var Qr=n=>Wr(At({},"__esModule",{value:!0}),n);var Mf={};Ur(Mf,{flamegraph:()=>Tr,select:()=>xn});var Nt="http://www.w3.org/1999/xhtml",ce={svg:"http://www.w3.org/2000/svg",xhtml:Nt,xlink:"http://www.w3.org/1\
999/xlink",xml:"http://www.w3.org/XML/1998/namespace",xmlns:"http://www.w3.org/2000/xmlns/"};function On(n){var t=n+=
"",e=t.indexOf(":");return e>=0&&(t=n.slice(0,e))!=="xmlns"&&(n=n.slice(e+1)),ce.hasOwnProperty(t)?{space:ce[t],
local:n}:n}function Zr(n){return function(){var t=this.ownerDocument,e=this.namespaceURI;return e===Nt&&t.documentElement.
namespaceURI===Nt?t.createElement(n):t.createElementNS(e,n)}}function Gr(n){return function(){return this.ownerDocument.
createElementNS(n.space,n.local)}}function se(n){var t=On(n);return(t.local?Gr:Zr)(t)}function Kr(){}function Un(n){
return n==null?Kr:function(){return this.querySelector(n)}}function Jr(n){typeof n!="function"&&(n=Un(n));for(var t=this.
_groups,e=t.length,r=new Array(e),i=0;i<e;++i)for(var u=t[i],o=u.length,a=r[i]=new Array(o),l,f,s=0;s<o;++s)(l=
u[s])&&(f=n.call(l,l.__data__,s,u))&&("__data__"in l&&(f.__data__=l.__data__),a[s]=f);return new H(r,this._parents)}
function jr(n){return n==null?[]:Array.isArray(n)?n:Array.from(n)}function ni(){return[]}function St(n){return n==
null?ni:function(){return this.querySelectorAll(n)}}function ti(n){return function(){return jr(n.apply(this,arguments))}}
function ei(n){typeof n=="function"?n=ti(n):n=St(n);for(var t=this._groups,e=t.length,r=[],i=[],u=0;u<e;++u)for(var o=t[u],
a=o.length,l,f=0;f<a;++f)(l=o[f])&&(r.push(n.call(l,l.__data__,f,o)),i.push(l));return new H(r,i)}function Et(n){
return function(){return this.matches(n)}}function he(n){return function(t){return t.matches(n)}}var ri=Array.
prototype.find;function ii(n){return function(){return ri.call(this.children,n)}}function ui(){return this.firstElementChild}
function oi(n){return this.select(n==null?ui:ii(typeof n=="function"?n:he(n)))}var ai=Array.prototype.filter;function fi(){
return Array.from(this.children)}function li(n){return function(){return ai.call(this.children,n)}}function ci(n){
return this.selectAll(n==null?fi:li(typeof n=="function"?n:he(n)))}function si(n){typeof n!="function"&&(n=Et(
n));for(var t=this._groups,e=t.length,r=new Array(e),i=0;i<e;++i)for(var u=t[i],o=u.length,a=r[i]=[],l,f=0;f<o;++f)
(l=u[f])&&n.call(l,l.__data__,f,u)&&a.push(l);return new H(r,this._parents)}function de(n){return new Array(n.
length)}function hi(){return new H(this._enter||this._groups.map(de),this._parents)}function Yn(n,t){this.ownerDocument=
n.ownerDocument,this.namespaceURI=n.namespaceURI,this._next=null,this._parent=n,this.__data__=t}Yn.prototype={
constructor:Yn,appendChild:function(n){return this._parent.insertBefore(n,this._next)},insertBefore:function(n,t){
return this._parent.insertBefore(n,t)},querySelector:function(n){return this._parent.querySelector(n)},querySelectorAll:function(n){
return this._parent.querySelectorAll(n)}};function di(n){return function(){return n}}function gi(n,t,e,r,i,u){
for(var o=0,a,l=t.length,f=u.length;o<f;++o)(a=t[o])?(a.__data__=u[o],r[o]=a):e[o]=new Yn(n,u[o]);for(;o<l;++o)
(a=t[o])&&(i[o]=a)}function pi(n,t,e,r,i,u,o){var a,l,f=new Map,s=t.length,h=u.length,d=new Array(s),p;for(a=0;a<
s;++a)(l=t[a])&&(d[a]=p=o.call(l,l.__data__,a,t)+"",f.has(p)?i[a]=l:f.set(p,l));for(a=0;a<h;++a)p=o.call(n,u[a],
a,u)+"",(l=f.get(p))?(r[a]=l,l.__data__=u[a],f.delete(p)):e[a]=new Yn(n,u[a]);for(a=0;a<s;++a)(l=t[a])&&f.get(
d[a])===l&&(i[a]=l)}function mi(n){return n.__data__}function yi(n,t){if(!arguments.length)return Array.from(this,
mi);var e=t?pi:gi,r=this._parents,i=this._groups;typeof n!="function"&&(n=di(n));for(var u=i.length,o=new Array(
u),a=new Array(u),l=new Array(u),f=0;f<u;++f){var s=r[f],h=i[f],d=h.length,p=wi(n.call(s,s&&s.__data__,f,r)),v=p.
length,x=a[f]=new Array(v),b=o[f]=new Array(v),q=l[f]=new Array(d);e(s,h,x,b,q,p,t);for(var S=0,O=0,C,E;S<v;++S)
if(C=x[S]){for(S>=O&&(O=S+1);!(E=b[O])&&++O<v;);C._next=E||null}}return o=new H(o,r),o._enter=a,o._exit=l,o}function wi(n){
return typeof n=="object"&&"length"in n?n:Array.from(n)}function xi(){return new H(this._exit||this._groups.map(
de),this._parents)}function vi(n,t,e){var r=this.enter(),i=this,u=this.exit();return typeof n=="function"?(r=n(
r),r&&(r=r.selection())):r=r.append(n+""),t!=null&&(i=t(i),i&&(i=i.selection())),e==null?u.remove():e(u),r&&i?
r.merge(i).order():i}function _i(n){for(var t=n.selection?n.selection():n,e=this._groups,r=t._groups,i=e.length,
u=r.length,o=Math.min(i,u),a=new Array(i),l=0;l<o;++l)for(var f=e[l],s=r[l],h=f.length,d=a[l]=new Array(h),p,v=0;v<
h;++v)(p=f[v]||s[v])&&(d[v]=p);for(;l<i;++l)a[l]=e[l];return new H(a,this._parents)}function Mi(){for(var n=this.
_groups,t=-1,e=n.length;++t<e;)for(var r=n[t],i=r.length-1,u=r[i],o;--i>=0;)(o=r[i])&&(u&&o.compareDocumentPosition(
u)^4&&u.parentNode.insertBefore(o,u),u=o);return this}function bi(n){n||(n=Ai);function t(h,d){return h&&d?n(h.
__data__,d.__data__):!h-!d}for(var e=this._groups,r=e.length,i=new Array(r),u=0;u<r;++u){for(var o=e[u],a=o.length,
l=i[u]=new Array(a),f,s=0;s<a;++s)(f=o[s])&&(l[s]=f);l.sort(t)}return new H(i,this._parents).order()}function Ai(n,t){
return n<t?-1:n>t?1:n>=t?0:NaN}function Ni(){var n=arguments[0];return arguments[0]=this,n.apply(null,arguments),
this}function ki(){return Array.from(this)}function Si(){for(var n=this._groups,t=0,e=n.length;t<e;++t)for(var r=n[t],
i=0,u=r.length;i<u;++i){var o=r[i];if(o)return o}return null}function Ei(){let n=0;for(let t of this)++n;return n}
function Ii(){return!this.node()}function Ci(n){for(var t=this._groups,e=0,r=t.length;e<r;++e)for(var i=t[e],u=0,
o=i.length,a;u<o;++u)(a=i[u])&&n.call(a,a.__data__,u,i);return this}function qi(n){return function(){this.removeAttribute(
n)}}function Oi(n){return function(){this.removeAttributeNS(n.space,n.local)}}function Ri(n,t){return function(){
this.setAttribute(n,t)}}function Ti(n,t){return function(){this.setAttributeNS(n.space,n.local,t)}}function $i(n,t){
return function(){var e=t.apply(this,arguments);e==null?this.removeAttribute(n):this.setAttribute(n,e)}}function zi(n,t){
return function(){var e=t.apply(this,arguments);e==null?this.removeAttributeNS(n.space,n.local):this.setAttributeNS(
n.space,n.local,e)}}function Di(n,t){var e=On(n);if(arguments.length<2){var r=this.node();return e.local?r.getAttributeNS(
e.space,e.local):r.getAttribute(e)}return this.each((t==null?e.local?Oi:qi:typeof t=="function"?e.local?zi:$i:
e.local?Ti:Ri)(e,t))}function ge(n){return n.ownerDocument&&n.ownerDocument.defaultView||n.document&&n||n.defaultView}
function Hi(n){return function(){this.style.removeProperty(n)}}function Li(n,t,e){return function(){this.style.
setProperty(n,t,e)}}function Pi(n,t,e){return function(){var r=t.apply(this,arguments);r==null?this.style.removeProperty(
n):this.style.setProperty(n,r,e)}}function Fi(n,t,e){return arguments.length>1?this.each((t==null?Hi:typeof t==
"function"?Pi:Li)(n,t,e??"")):ln(this.node(),n)}function ln(n,t){return n.style.getPropertyValue(t)||ge(n).getComputedStyle(
n,null).getPropertyValue(t)}function Bi(n){return function(){delete this[n]}}function Vi(n,t){return function(){
this[n]=t}}function Xi(n,t){return function(){var e=t.apply(this,arguments);e==null?delete this[n]:this[n]=e}}
function Yi(n,t){return arguments.length>1?this.each((t==null?Bi:typeof t=="function"?Xi:Vi)(n,t)):this.node()[n]}
function pe(n){return n.trim().split(/^|\s+/)}function It(n){return n.classList||new me(n)}function me(n){this.
_node=n,this._names=pe(n.getAttribute("class")||"")}me.prototype={add:function(n){var t=this._names.indexOf(n);
t<0&&(this._names.push(n),this._node.setAttribute("class",this._names.join(" ")))},remove:function(n){var t=this.
_names.indexOf(n);t>=0&&(this._names.splice(t,1),this._node.setAttribute("class",this._names.join(" ")))},contains:function(n){
return this._names.indexOf(n)>=0}};function ye(n,t){for(var e=It(n),r=-1,i=t.length;++r<i;)e.add(t[r])}function we(n,t){
for(var e=It(n),r=-1,i=t.length;++r<i;)e.remove(t[r])}function Ui(n){return function(){ye(this,n)}}function Wi(n){
return function(){we(this,n)}}function Qi(n,t){return function(){(t.apply(this,arguments)?ye:we)(this,n)}}function Zi(n,t){
var e=pe(n+"");if(arguments.length<2){for(var r=It(this.node()),i=-1,u=e.length;++i<u;)if(!r.contains(e[i]))return!1;
return!0}return this.each((typeof t=="function"?Qi:t?Ui:Wi)(e,t))}function Gi(){this.textContent=""}function Ki(n){
return function(){this.textContent=n}}function Ji(n){return function(){var t=n.apply(this,arguments);this.textContent=
t??""}}function ji(n){return arguments.length?this.each(n==null?Gi:(typeof n=="function"?Ji:Ki)(n)):this.node().
textContent}function nu(){this.innerHTML=""}function tu(n){return function(){this.innerHTML=n}}function eu(n){
return function(){var t=n.apply(this,arguments);this.innerHTML=t??""}}function ru(n){return arguments.length?this.
each(n==null?nu:(typeof n=="function"?eu:tu)(n)):this.node().innerHTML}function iu(){this.nextSibling&&this.parentNode.
appendChild(this)}function uu(){return this.each(iu)}function ou(){this.previousSibling&&this.parentNode.insertBefore(
this,this.parentNode.firstChild)}function au(){return this.each(ou)}function fu(n){var t=typeof n=="function"?
n:se(n);return this.select(function(){return this.appendChild(t.apply(this,arguments))})}function lu(){return null}
function cu(n,t){var e=typeof n=="function"?n:se(n),r=t==null?lu:typeof t=="function"?t:Un(t);return this.select(
function(){return this.insertBefore(e.apply(this,arguments),r.apply(this,arguments)||null)})}function su(){var n=this.
parentNode;n&&n.removeChild(this)}function hu(){return this.each(su)}function du(){var n=this.cloneNode(!1),t=this.
parentNode;return t?t.insertBefore(n,this.nextSibling):n}function gu(){var n=this.cloneNode(!0),t=this.parentNode;
return t?t.insertBefore(n,this.nextSibling):n}function pu(n){return this.select(n?gu:du)}function mu(n){return arguments.
length?this.property("__data__",n):this.node().__data__}function yu(n){return function(t){n.call(this,t,this.__data__)}}
function wu(n){return n.trim().split(/^|\s+/).map(function(t){var e="",r=t.indexOf(".");return r>=0&&(e=t.slice(
r+1),t=t.slice(0,r)),{type:t,name:e}})}function xu(n){return function(){var t=this.__on;if(t){for(var e=0,r=-1,
i=t.length,u;e<i;++e)u=t[e],(!n.type||u.type===n.type)&&u.name===n.name?this.removeEventListener(u.type,u.listener,
u.options):t[++r]=u;++r?t.length=r:delete this.__on}}}function vu(n,t,e){return function(){var r=this.__on,i,u=yu(
t);if(r){for(var o=0,a=r.length;o<a;++o)if((i=r[o]).type===n.type&&i.name===n.name){this.removeEventListener(i.
type,i.listener,i.options),this.addEventListener(i.type,i.listener=u,i.options=e),i.value=t;return}}this.addEventListener(
n.type,u,e),i={type:n.type,name:n.name,value:t,listener:u,options:e},r?r.push(i):this.__on=[i]}}function _u(n,t,e){
var r=wu(n+""),i,u=r.length,o;if(arguments.length<2){var a=this.node().__on;if(a){for(var l=0,f=a.length,s;l<f;++l)
for(i=0,s=a[l];i<u;++i)if((o=r[i]).type===s.type&&o.name===s.name)return s.value}return}for(a=t?vu:xu,i=0;i<u;++i)
this.each(a(r[i],t,e));return this}function xe(n,t,e){var r=ge(n),i=r.CustomEvent;typeof i=="function"?i=new i(
t,e):(i=r.document.createEvent("Event"),e?(i.initEvent(t,e.bubbles,e.cancelable),i.detail=e.detail):i.initEvent(
t,!1,!1)),n.dispatchEvent(i)}function Mu(n,t){return function(){return xe(this,n,t)}}function bu(n,t){return function(){
return xe(this,n,t.apply(this,arguments))}}function Au(n,t){return this.each((typeof t=="function"?bu:Mu)(n,t))}
function*Nu(){for(var n=this._groups,t=0,e=n.length;t<e;++t)for(var r=n[t],i=0,u=r.length,o;i<u;++i)(o=r[i])&&
(yield o)}var ve=[null];function H(n,t){this._groups=n,this._parents=t}function cn(){return new H([[document.documentElement]],
ve)}function ku(){return this}H.prototype=cn.prototype={constructor:H,select:Jr,selectAll:ei,selectChild:oi,selectChildren:ci,
filter:si,data:yi,enter:hi,exit:xi,join:vi,merge:_i,selection:ku,order:Mi,sort:bi,call:Ni,nodes:ki,node:Si,size:Ei,
empty:Ii,each:Ci,attr:Di,style:Fi,property:Yi,classed:Zi,text:ji,html:ru,raise:uu,lower:au,append:fu,insert:cu,
remove:hu,clone:pu,datum:mu,on:_u,dispatch:Au,[Symbol.iterator]:Nu};function xn(n){return typeof n=="string"?new H(
[[document.querySelector(n)]],[document.documentElement]):new H([[n]],ve)}var Su=0;function Eu(){return new kt}function kt(){this._="@"+(++Su).toString(36)}kt.prototype=Eu.prototype={constructor:kt,
get:function(n){for(var t=this._;!(t in n);)if(!(n=n.parentNode))return;return n[t]},set:function(n,t){return n[this.
_]=t},remove:function(n){return this._ in n&&delete n[this._]},toString:function(){return this._}};function Iu(n){return Math.abs(n=Math.round(n))>=1e21?n.toLocaleString("en").replace(/,/g,""):n.toString(10)}function Qn(n,t){
if(!isFinite(n)||n===0)return null;var e=(n=t?n.toExponential(t-1):n.toExponential()).indexOf("e"),r=n.slice(0,
e);return[r.length>1?r[0]+r.slice(2):r,+n.slice(e+1)]}function vn(n){return n=Qn(Math.abs(n)),n?n[1]:NaN}function Cu(n,t){
return function(e,r){for(var i=e.length,u=[],o=0,a=n[0],l=0;i>0&&a>0&&(l+a+1>r&&(a=Math.max(1,r-l)),u.push(e.substring(
i-=a,i+a)),!((l+=a+1)>r));)a=n[o=(o+1)%n.length];return u.reverse().join(t)}}function qu(n){return function(t){
return t.replace(/[0-9]/g,function(e){return n[+e]})}}var Ou=/^(?:(.)?([<>=^]))?([+\-( ])?([$#])?(0)?(\d+)?(,)?(\.\d+)?(~)?([a-z%])?$/i;
function Rn(n){if(!(t=Ou.exec(n)))throw new Error("invalid format: "+n);var t;return new Ct({fill:t[1],align:t[2],
sign:t[3],symbol:t[4],zero:t[5],width:t[6],comma:t[7],precision:t[8]&&t[8].slice(1),trim:t[9],type:t[10]})}Rn.
prototype=Ct.prototype;function Ct(n){this.fill=n.fill===void 0?" ":n.fill+"",this.align=n.align===void 0?">":
n.align+"",this.sign=n.sign===void 0?"-":n.sign+"",this.symbol=n.symbol===void 0?"":n.symbol+"",this.zero=!!n.
zero,this.width=n.width===void 0?void 0:+n.width,this.comma=!!n.comma,this.precision=n.precision===void 0?void 0:
+n.precision,this.trim=!!n.trim,this.type=n.type===void 0?"":n.type+""}Ct.prototype.toString=function(){return this.
fill+this.align+this.sign+this.symbol+(this.zero?"0":"")+(this.width===void 0?"":Math.max(1,this.width|0))+(this.
comma?",":"")+(this.precision===void 0?"":"."+Math.max(0,this.precision|0))+(this.trim?"~":"")+this.type};function Ru(n){
n:for(var t=n.length,e=1,r=-1,i;e<t;++e)switch(n[e]){case".":r=i=e;break;case"0":r===0&&(r=e),i=e;break;default:
if(!+n[e])break n;r>0&&(r=0);break}return r>0?n.slice(0,r)+n.slice(i+1):n}var Zn;function Tu(n,t){var e=Qn(n,t);
if(!e)return Zn=void 0,n.toPrecision(t);var r=e[0],i=e[1],u=i-(Zn=Math.max(-8,Math.min(8,Math.floor(i/3)))*3)+
1,o=r.length;return u===o?r:u>o?r+new Array(u-o+1).join("0"):u>0?r.slice(0,u)+"."+r.slice(u):"0."+new Array(1-
u).join("0")+Qn(n,Math.max(0,t+u-1))[0]}function _e(n,t){var e=Qn(n,t);if(!e)return n+"";var r=e[0],i=e[1];return i<
0?"0."+new Array(-i).join("0")+r:r.length>i+1?r.slice(0,i+1)+"."+r.slice(i+1):r+new Array(i-r.length+2).join("\
0")}var Me={"%":(n,t)=>(n*100).toFixed(t),b:n=>Math.round(n).toString(2),c:n=>n+"",d:Iu,e:(n,t)=>n.toExponential(
t),f:(n,t)=>n.toFixed(t),g:(n,t)=>n.toPrecision(t),o:n=>Math.round(n).toString(8),p:(n,t)=>_e(n*100,t),r:_e,s:Tu,
X:n=>Math.round(n).toString(16).toUpperCase(),x:n=>Math.round(n).toString(16)};function be(n){return n}var Ae=Array.
prototype.map,Ne=["y","z","a","f","p","n","\xB5","m","","k","M","G","T","P","E","Z","Y"];function $u(n){var t=n.
grouping===void 0||n.thousands===void 0?be:Cu(Ae.call(n.grouping,Number),n.thousands+""),e=n.currency===void 0?
"":n.currency[0]+"",r=n.currency===void 0?"":n.currency[1]+"",i=n.decimal===void 0?".":n.decimal+"",u=n.numerals===
void 0?be:qu(Ae.call(n.numerals,String)),o=n.percent===void 0?"%":n.percent+"",a=n.minus===void 0?"\u2212":n.minus+
"",l=n.nan===void 0?"NaN":n.nan+"";function f(h,d){h=Rn(h);var p=h.fill,v=h.align,x=h.sign,b=h.symbol,q=h.zero,
S=h.width,O=h.comma,C=h.precision,E=h.trim,k=h.type;k==="n"?(O=!0,k="g"):Me[k]||(C===void 0&&(C=12),E=!0,k="g"),
(q||p==="0"&&v==="=")&&(q=!0,p="0",v="=");var F=(d&&d.prefix!==void 0?d.prefix:"")+(b==="$"?e:b==="#"&&/[boxX]/.
test(k)?"0"+k.toLowerCase():""),en=(b==="$"?r:/[%p]/.test(k)?o:"")+(d&&d.suffix!==void 0?d.suffix:""),W=Me[k],
Q=/[defgprs%]/.test(k);C=C===void 0?6:/[gprs]/.test(k)?Math.max(1,Math.min(21,C)):Math.max(0,Math.min(20,C));function Xn(M){
var Z=F,R=en,rn,on,G;if(k==="c")R=W(M)+R,M="";else{M=+M;var an=M<0||1/M<0;if(M=isNaN(M)?l:W(Math.abs(M),C),E&&
(M=Ru(M)),an&&+M==0&&x!=="+"&&(an=!1),Z=(an?x==="("?x:a:x==="-"||x==="("?"":x)+Z,R=(k==="s"&&!isNaN(M)&&Zn!==void 0?
Ne[8+Zn/3]:"")+R+(an&&x==="("?")":""),Q){for(rn=-1,on=M.length;++rn<on;)if(G=M.charCodeAt(rn),48>G||G>57){R=(G===
46?i+M.slice(rn+1):M.slice(rn))+R,M=M.slice(0,rn);break}}}O&&!q&&(M=t(M,1/0));var yn=Z.length+M.length+R.length,
P=yn<S?new Array(S-yn+1).join(p):"";switch(O&&q&&(M=t(P+M,P.length?S-R.length:1/0),P=""),v){case"<":M=Z+M+R+P;
break;case"=":M=Z+P+M+R;break;case"^":M=P.slice(0,yn=P.length>>1)+Z+M+R+P.slice(yn);break;default:M=P+Z+M+R;break}
return u(M)}return Xn.toString=function(){return h+""},Xn}function s(h,d){var p=Math.max(-8,Math.min(8,Math.floor(
vn(d)/3)))*3,v=Math.pow(10,-p),x=f((h=Rn(h),h.type="f",h),{suffix:Ne[8+p/3]});return function(b){return x(v*b)}}
return{format:f,formatPrefix:s}}var Wn,_n,qt;zu({thousands:",",grouping:[3],currency:["$",""]});function zu(n){
return Wn=$u(n),_n=Wn.format,qt=Wn.formatPrefix,Wn}function ke(n){return Math.max(0,-vn(Math.abs(n)))}function Se(n,t){
return Math.max(0,Math.max(-8,Math.min(8,Math.floor(vn(t)/3)))*3-vn(Math.abs(n)))}function Ee(n,t){return n=Math.
abs(n),t=Math.abs(t)-n,Math.max(0,vn(t)-vn(n))+1}function sn(n,t){return n==null||t==null?NaN:n<t?-1:n>t?1:n>=t?0:NaN}function Du(n,t){return n==null||t==null?
NaN:t<n?-1:t>n?1:t>=n?0:NaN}function Ie(n){let t,e,r;n.length!==2?(t=sn,e=(a,l)=>sn(n(a),l),r=(a,l)=>n(a)-l):(t=
n===sn||n===Du?n:Hu,e=n,r=n);function i(a,l,f=0,s=a.length){if(f<s){if(t(l,l)!==0)return s;do{let h=f+s>>>1;e(
a[h],l)<0?f=h+1:s=h}while(f<s)}return f}function u(a,l,f=0,s=a.length){if(f<s){if(t(l,l)!==0)return s;do{let h=f+
s>>>1;e(a[h],l)<=0?f=h+1:s=h}while(f<s)}return f}function o(a,l,f=0,s=a.length){let h=i(a,l,f,s-1);return h>f&&
r(a[h-1],l)>-r(a[h],l)?h-1:h}return{left:i,center:o,right:u}}function Hu(){return 0}function Lu(n){return n===
null?NaN:+n}var Ce=Ie(sn),qe=Ce.right,kf=Ce.left,Sf=Ie(Lu).center;var Ef=Oe(Re),If=Oe(Pu);function Oe(n){return function(t,e,r=e){if(!((e=+e)>=0))throw new RangeError("invalid \
rx");if(!((r=+r)>=0))throw new RangeError("invalid ry");let{data:i,width:u,height:o}=t;if(!((u=Math.floor(u))>=
0))throw new RangeError("invalid width");if(!((o=Math.floor(o!==void 0?o:i.length/u))>=0))throw new RangeError(
"invalid height");if(!u||!o||!e&&!r)return t;let a=e&&n(e),l=r&&n(r),f=i.slice();return a&&l?(Mn(a,f,i,u,o),Mn(
a,i,f,u,o),Mn(a,f,i,u,o),bn(l,i,f,u,o),bn(l,f,i,u,o),bn(l,i,f,u,o)):a?(Mn(a,i,f,u,o),Mn(a,f,i,u,o),Mn(a,i,f,u,
o)):l&&(bn(l,i,f,u,o),bn(l,f,i,u,o),bn(l,i,f,u,o)),t}}function Mn(n,t,e,r,i){for(let u=0,o=r*i;u<o;)n(t,e,u,u+=
r,1)}function bn(n,t,e,r,i){for(let u=0,o=r*i;u<r;++u)n(t,e,u,u+o,r)}function Pu(n){let t=Re(n);return(e,r,i,u,o)=>{
i<<=2,u<<=2,o<<=2,t(e,r,i+0,u+0,o),t(e,r,i+1,u+1,o),t(e,r,i+2,u+2,o),t(e,r,i+3,u+3,o)}}function Re(n){let t=Math.
floor(n);if(t===n)return Fu(n);let e=n-t,r=2*n+1;return(i,u,o,a,l)=>{if(!((a-=l)>=o))return;let f=t*u[o],s=l*t,
h=s+l;for(let d=o,p=o+s;d<p;d+=l)f+=u[Math.min(a,d)];for(let d=o,p=a;d<=p;d+=l)f+=u[Math.min(a,d+s)],i[d]=(f+e*
(u[Math.max(o,d-h)]+u[Math.min(a,d+h)]))/r,f-=u[Math.max(o,d-s)]}}function Fu(n){let t=2*n+1;return(e,r,i,u,o)=>{
if(!((u-=o)>=i))return;let a=n*r[i],l=o*n;for(let f=i,s=i+l;f<s;f+=o)a+=r[Math.min(u,f)];for(let f=i,s=u;f<=s;f+=
o)a+=r[Math.min(u,f+l)],e[f]=a/t,a-=r[Math.max(i,f-l)]}}var Bu=Array.prototype,Cf=Bu.slice;var Vu=Math.sqrt(50),Xu=Math.sqrt(10),Yu=Math.sqrt(2);function Gn(n,t,e){let r=(t-n)/Math.max(0,e),i=Math.floor(
Math.log10(r)),u=r/Math.pow(10,i),o=u>=Vu?10:u>=Xu?5:u>=Yu?2:1,a,l,f;return i<0?(f=Math.pow(10,-i)/o,a=Math.round(
n*f),l=Math.round(t*f),a/f<n&&++a,l/f>t&&--l,f=-f):(f=Math.pow(10,i)*o,a=Math.round(n/f),l=Math.round(t/f),a*f<
n&&++a,l*f>t&&--l),l<a&&.5<=e&&e<2?Gn(n,t,e*2):[a,l,f]}function Te(n,t,e){if(t=+t,n=+n,e=+e,!(e>0))return[];if(n===
t)return[n];let r=t<n,[i,u,o]=r?Gn(t,n,e):Gn(n,t,e);if(!(u>=i))return[];let a=u-i+1,l=new Array(a);if(r)if(o<0)
for(let f=0;f<a;++f)l[f]=(u-f)/-o;else for(let f=0;f<a;++f)l[f]=(u-f)*o;else if(o<0)for(let f=0;f<a;++f)l[f]=(i+
f)/-o;else for(let f=0;f<a;++f)l[f]=(i+f)*o;return l}function Kn(n,t,e){return t=+t,n=+n,e=+e,Gn(n,t,e)[2]}function $e(n,t,e){
t=+t,n=+n,e=+e;let r=t<n,i=r?Kn(t,n,e):Kn(n,t,e);return(r?-1:1)*(i<0?1/-i:i)}var qf=Uu(Math.random);function Uu(n){return function(e,r=0,i=e.length){let u=i-(r=+r);for(;u;){let o=n()*u--|
0,a=e[u+r];e[u+r]=e[o+r],e[o+r]=a}return e}}function Wu(n){var t=0,e=n.children,r=e&&e.length;if(!r)t=1;else for(;--r>=0;)t+=e[r].value;n.value=t}function Qu(){
return this.eachAfter(Wu)}function Zu(n,t){let e=-1;for(let r of this)n.call(t,r,++e,this);return this}function Gu(n,t){
for(var e=this,r=[e],i,u,o=-1;e=r.pop();)if(n.call(t,e,++o,this),i=e.children)for(u=i.length-1;u>=0;--u)r.push(
i[u]);return this}function Ku(n,t){for(var e=this,r=[e],i=[],u,o,a,l=-1;e=r.pop();)if(i.push(e),u=e.children)for(o=
0,a=u.length;o<a;++o)r.push(u[o]);for(;e=i.pop();)n.call(t,e,++l,this);return this}function Ju(n,t){let e=-1;for(let r of this)
if(n.call(t,r,++e,this))return r}function ju(n){return this.eachAfter(function(t){for(var e=+n(t.data)||0,r=t.
children,i=r&&r.length;--i>=0;)e+=r[i].value;t.value=e})}function no(n){return this.eachBefore(function(t){t.children&&
t.children.sort(n)})}function to(n){for(var t=this,e=eo(t,n),r=[t];t!==e;)t=t.parent,r.push(t);for(var i=r.length;n!==
e;)r.splice(i,0,n),n=n.parent;return r}function eo(n,t){if(n===t)return n;var e=n.ancestors(),r=t.ancestors(),
i=null;for(n=e.pop(),t=r.pop();n===t;)i=n,n=e.pop(),t=r.pop();return i}function ro(){for(var n=this,t=[n];n=n.
parent;)t.push(n);return t}function io(){return Array.from(this)}function uo(){var n=[];return this.eachBefore(
function(t){t.children||n.push(t)}),n}function oo(){var n=this,t=[];return n.each(function(e){e!==n&&t.push({source:e.
parent,target:e})}),t}function*ao(){var n=this,t,e=[n],r,i,u;do for(t=e.reverse(),e=[];n=t.pop();)if(yield n,r=
n.children)for(i=0,u=r.length;i<u;++i)e.push(r[i]);while(e.length)}function Jn(n,t){n instanceof Map?(n=[void 0,
n],t===void 0&&(t=co)):t===void 0&&(t=lo);for(var e=new Tn(n),r,i=[e],u,o,a,l;r=i.pop();)if((o=t(r.data))&&(l=
(o=Array.from(o)).length))for(r.children=o,a=l-1;a>=0;--a)i.push(u=o[a]=new Tn(o[a])),u.parent=r,u.depth=r.depth+
1;return e.eachBefore(ho)}function fo(){return Jn(this).eachBefore(so)}function lo(n){return n.children}function co(n){
return Array.isArray(n)?n[1]:null}function so(n){n.data.value!==void 0&&(n.value=n.data.value),n.data=n.data.data}
function ho(n){var t=0;do n.height=t;while((n=n.parent)&&n.height<++t)}function Tn(n){this.data=n,this.depth=this.
height=0,this.parent=null}Tn.prototype=Jn.prototype={constructor:Tn,count:Qu,each:Zu,eachAfter:Ku,eachBefore:Gu,
find:Ju,sum:ju,sort:no,path:to,ancestors:ro,descendants:io,leaves:uo,links:oo,copy:fo,[Symbol.iterator]:ao};function go(n){n.x0=Math.round(n.x0),n.y0=Math.round(n.y0),n.x1=Math.round(n.x1),n.y1=Math.round(n.y1)}function Ot(n,t,e,r,i){
for(var u=n.children,o,a=-1,l=u.length,f=n.value&&(r-t)/n.value;++a<l;)o=u[a],o.y0=e,o.y1=i,o.x0=t,o.x1=t+=o.value*
f}function ze(){var n=1,t=1,e=0,r=!1;function i(o){var a=o.height+1;return o.x0=o.y0=e,o.x1=n,o.y1=t/a,o.eachBefore(
u(t,a)),r&&o.eachBefore(go),o}function u(o,a){return function(l){l.children&&Ot(l,l.x0,o*(l.depth+1)/a,l.x1,o*
(l.depth+2)/a);var f=l.x0,s=l.y0,h=l.x1-e,d=l.y1-e;h<f&&(f=h=(f+h)/2),d<s&&(s=d=(s+d)/2),l.x0=f,l.y0=s,l.x1=h,
l.y1=d}}return i.round=function(o){return arguments.length?(r=!!o,i):r},i.size=function(o){return arguments.length?
(n=+o[0],t=+o[1],i):[n,t]},i.padding=function(o){return arguments.length?(e=+o,i):e},i}function po(n,t){this._=n,this.parent=null,this.children=null,this.A=null,this.a=this,this.z=0,this.m=0,this.c=
0,this.s=0,this.t=null,this.i=t}po.prototype=Object.create(Tn.prototype);function De(n,t,e,r,i){for(var u=n.children,o,a=-1,l=u.length,f=n.value&&(i-e)/n.value;++a<l;)o=u[a],o.x0=t,o.
x1=r,o.y0=e,o.y1=e+=o.value*f}var He=(1+Math.sqrt(5))/2;function Le(n,t,e,r,i,u){for(var o=[],a=t.children,l,f,
s=0,h=0,d=a.length,p,v,x=t.value,b,q,S,O,C,E,k;s<d;){p=i-e,v=u-r;do b=a[h++].value;while(!b&&h<d);for(q=S=b,E=
Math.max(v/p,p/v)/(x*n),k=b*b*E,C=Math.max(S/k,k/q);h<d;++h){if(b+=f=a[h].value,f<q&&(q=f),f>S&&(S=f),k=b*b*E,
O=Math.max(S/k,k/q),O>C){b-=f;break}C=O}o.push(l={value:b,dice:p<v,children:a.slice(s,h)}),l.dice?Ot(l,e,r,i,x?
r+=v*b/x:u):De(l,e,r,x?e+=p*b/x:i,u),x-=b,s=h}return o}var Rf=(function n(t){function e(r,i,u,o,a){Le(t,r,i,u,
o,a)}return e.ratio=function(r){return n((r=+r)>1?r:1)},e})(He);var Tf=(function n(t){function e(r,i,u,o,a){if((l=r._squarify)&&l.ratio===t)for(var l,f,s,h,d=-1,p,v=l.length,
x=r.value;++d<v;){for(f=l[d],s=f.children,h=f.value=0,p=s.length;h<p;++h)f.value+=s[h].value;f.dice?Ot(f,i,u,o,
x?u+=(a-u)*f.value/x:a):De(f,i,u,x?i+=(o-i)*f.value/x:o,a),x-=f.value}else r._squarify=l=Le(t,r,i,u,o,a),l.ratio=
t}return e.ratio=function(r){return n((r=+r)>1?r:1)},e})(He);function Sn(n,t,e){n.prototype=t.prototype=e,e.constructor=n}function Dn(n,t){var e=Object.create(n.prototype);
for(var r in t)e[r]=t[r];return e}function un(){}var pn=.7,kn=1/pn,An="\\s*([+-]?\\d+)\\s*",$n="\\s*([+-]?(?:\\d\
*\\.)?\\d+(?:[eE][+-]?\\d+)?)\\s*",X="\\s*([+-]?(?:\\d*\\.)?\\d+(?:[eE][+-]?\\d+)?)%\\s*",mo=/^#([0-9a-f]{3,8})$/,
yo=new RegExp(`^rgb\\(${An},${An},${An}\\)$`),wo=new RegExp(`^rgb\\(${X},${X},${X}\\)$`),xo=new RegExp(`^rgba\\\
(${An},${An},${An},${$n}\\)$`),vo=new RegExp(`^rgba\\(${X},${X},${X},${$n}\\)$`),_o=new RegExp(`^hsl\\(${$n},${X}\
,${X}\\)$`),Mo=new RegExp(`^hsla\\(${$n},${X},${X},${$n}\\)$`),Pe={aliceblue:15792383,antiquewhite:16444375,aqua:65535,
aquamarine:8388564,azure:15794175,beige:16119260,bisque:16770244,black:0,blanchedalmond:16772045,blue:255,blueviolet:9055202,
brown:10824234,burlywood:14596231,cadetblue:6266528,chartreuse:8388352,chocolate:13789470,coral:16744272,cornflowerblue:6591981,
cornsilk:16775388,crimson:14423100,cyan:65535,darkblue:139,darkcyan:35723,darkgoldenrod:12092939,darkgray:11119017,
darkgreen:25600,darkgrey:11119017,darkkhaki:12433259,darkmagenta:9109643,darkolivegreen:5597999,darkorange:16747520,
darkorchid:10040012,darkred:9109504,darksalmon:15308410,darkseagreen:9419919,darkslateblue:4734347,darkslategray:3100495,
darkslategrey:3100495,darkturquoise:52945,darkviolet:9699539,deeppink:16716947,deepskyblue:49151,dimgray:6908265,
dimgrey:6908265,dodgerblue:2003199,firebrick:11674146,floralwhite:16775920,forestgreen:2263842,fuchsia:16711935,
gainsboro:14474460,ghostwhite:16316671,gold:16766720,goldenrod:14329120,gray:8421504,green:32768,greenyellow:11403055,
grey:8421504,honeydew:15794160,hotpink:16738740,indianred:13458524,indigo:4915330,ivory:16777200,khaki:15787660,
lavender:15132410,lavenderblush:16773365,lawngreen:8190976,lemonchiffon:16775885,lightblue:11393254,lightcoral:15761536,
lightcyan:14745599,lightgoldenrodyellow:16448210,lightgray:13882323,lightgreen:9498256,lightgrey:13882323,lightpink:16758465,
lightsalmon:16752762,lightseagreen:2142890,lightskyblue:8900346,lightslategray:7833753,lightslategrey:7833753,
lightsteelblue:11584734,lightyellow:16777184,lime:65280,limegreen:3329330,linen:16445670,magenta:16711935,maroon:8388608,
mediumaquamarine:6737322,mediumblue:205,mediumorchid:12211667,mediumpurple:9662683,mediumseagreen:3978097,mediumslateblue:8087790,
mediumspringgreen:64154,mediumturquoise:4772300,mediumvioletred:13047173,midnightblue:1644912,mintcream:16121850,
mistyrose:16770273,moccasin:16770229,navajowhite:16768685,navy:128,oldlace:16643558,olive:8421376,olivedrab:7048739,
orange:16753920,orangered:16729344,orchid:14315734,palegoldenrod:15657130,palegreen:10025880,paleturquoise:11529966,
palevioletred:14381203,papayawhip:16773077,peachpuff:16767673,peru:13468991,pink:16761035,plum:14524637,powderblue:11591910,
purple:8388736,rebeccapurple:6697881,red:16711680,rosybrown:12357519,royalblue:4286945,saddlebrown:9127187,salmon:16416882,
sandybrown:16032864,seagreen:3050327,seashell:16774638,sienna:10506797,silver:12632256,skyblue:8900331,slateblue:6970061,
slategray:7372944,slategrey:7372944,snow:16775930,springgreen:65407,steelblue:4620980,tan:13808780,teal:32896,
thistle:14204888,tomato:16737095,turquoise:4251856,violet:15631086,wheat:16113331,white:16777215,whitesmoke:16119285,
yellow:16776960,yellowgreen:10145074};Sn(un,j,{copy(n){return Object.assign(new this.constructor,this,n)},displayable(){
return this.rgb().displayable()},hex:Fe,formatHex:Fe,formatHex8:bo,formatHsl:Ao,formatRgb:Be,toString:Be});function Fe(){
return this.rgb().formatHex()}function bo(){return this.rgb().formatHex8()}function Ao(){return Ke(this).formatHsl()}
function Be(){return this.rgb().formatRgb()}function j(n){var t,e;return n=(n+"").trim().toLowerCase(),(t=mo.exec(
n))?(e=t[1].length,t=parseInt(t[1],16),e===6?Ve(t):e===3?new $(t>>8&15|t>>4&240,t>>4&15|t&240,(t&15)<<4|t&15,1):
e===8?jn(t>>24&255,t>>16&255,t>>8&255,(t&255)/255):e===4?jn(t>>12&15|t>>8&240,t>>8&15|t>>4&240,t>>4&15|t&240,((t&
15)<<4|t&15)/255):null):(t=yo.exec(n))?new $(t[1],t[2],t[3],1):(t=wo.exec(n))?new $(t[1]*255/100,t[2]*255/100,
t[3]*255/100,1):(t=xo.exec(n))?jn(t[1],t[2],t[3],t[4]):(t=vo.exec(n))?jn(t[1]*255/100,t[2]*255/100,t[3]*255/100,
t[4]):(t=_o.exec(n))?Ue(t[1],t[2]/100,t[3]/100,1):(t=Mo.exec(n))?Ue(t[1],t[2]/100,t[3]/100,t[4]):Pe.hasOwnProperty(
n)?Ve(Pe[n]):n==="transparent"?new $(NaN,NaN,NaN,0):null}function Ve(n){return new $(n>>16&255,n>>8&255,n&255,
1)}function jn(n,t,e,r){return r<=0&&(n=t=e=NaN),new $(n,t,e,r)}function Ht(n){return n instanceof un||(n=j(n)),
n?(n=n.rgb(),new $(n.r,n.g,n.b,n.opacity)):new $}function Hn(n,t,e,r){return arguments.length===1?Ht(n):new $(
n,t,e,r??1)}function $(n,t,e,r){this.r=+n,this.g=+t,this.b=+e,this.opacity=+r}Sn($,Hn,Dn(un,{brighter(n){return n=
n==null?kn:Math.pow(kn,n),new $(this.r*n,this.g*n,this.b*n,this.opacity)},darker(n){return n=n==null?pn:Math.pow(
pn,n),new $(this.r*n,this.g*n,this.b*n,this.opacity)},rgb(){return this},clamp(){return new $(dn(this.r),dn(this.
g),dn(this.b),tt(this.opacity))},displayable(){return-.5<=this.r&&this.r<255.5&&-.5<=this.g&&this.g<255.5&&-.5<=
this.b&&this.b<255.5&&0<=this.opacity&&this.opacity<=1},hex:Xe,formatHex:Xe,formatHex8:No,formatRgb:Ye,toString:Ye}));
function Xe(){return`#${hn(this.r)}${hn(this.g)}${hn(this.b)}`}function No(){return`#${hn(this.r)}${hn(this.g)}${hn(
this.b)}${hn((isNaN(this.opacity)?1:this.opacity)*255)}`}function Ye(){let n=tt(this.opacity);return`${n===1?"\
rgb(":"rgba("}${dn(this.r)}, ${dn(this.g)}, ${dn(this.b)}${n===1?")":`, ${n})`}`}function tt(n){return isNaN(n)?
1:Math.max(0,Math.min(1,n))}function dn(n){return Math.max(0,Math.min(255,Math.round(n)||0))}function hn(n){return n=
dn(n),(n<16?"0":"")+n.toString(16)}function Ue(n,t,e,r){return r<=0?n=t=e=NaN:e<=0||e>=1?n=t=NaN:t<=0&&(n=NaN),
new B(n,t,e,r)}function Ke(n){if(n instanceof B)return new B(n.h,n.s,n.l,n.opacity);if(n instanceof un||(n=j(n)),
!n)return new B;if(n instanceof B)return n;n=n.rgb();var t=n.r/255,e=n.g/255,r=n.b/255,i=Math.min(t,e,r),u=Math.
max(t,e,r),o=NaN,a=u-i,l=(u+i)/2;return a?(t===u?o=(e-r)/a+(e<r)*6:e===u?o=(r-t)/a+2:o=(t-e)/a+4,a/=l<.5?u+i:2-
u-i,o*=60):a=l>0&&l<1?0:o,new B(o,a,l,n.opacity)}function rt(n,t,e,r){return arguments.length===1?Ke(n):new B(
n,t,e,r??1)}function B(n,t,e,r){this.h=+n,this.s=+t,this.l=+e,this.opacity=+r}Sn(B,rt,Dn(un,{brighter(n){return n=
n==null?kn:Math.pow(kn,n),new B(this.h,this.s,this.l*n,this.opacity)},darker(n){return n=n==null?pn:Math.pow(pn,
n),new B(this.h,this.s,this.l*n,this.opacity)},rgb(){var n=this.h%360+(this.h<0)*360,t=isNaN(n)||isNaN(this.s)?
0:this.s,e=this.l,r=e+(e<.5?e:1-e)*t,i=2*e-r;return new $(Rt(n>=240?n-240:n+120,i,r),Rt(n,i,r),Rt(n<120?n+240:
n-120,i,r),this.opacity)},clamp(){return new B(We(this.h),nt(this.s),nt(this.l),tt(this.opacity))},displayable(){
return(0<=this.s&&this.s<=1||isNaN(this.s))&&0<=this.l&&this.l<=1&&0<=this.opacity&&this.opacity<=1},formatHsl(){
let n=tt(this.opacity);return`${n===1?"hsl(":"hsla("}${We(this.h)}, ${nt(this.s)*100}%, ${nt(this.l)*100}%${n===
1?")":`, ${n})`}`}}));function We(n){return n=(n||0)%360,n<0?n+360:n}function nt(n){return Math.max(0,Math.min(
1,n||0))}function Rt(n,t,e){return(n<60?t+(e-t)*n/60:n<180?e:n<240?t+(e-t)*(240-n)/60:t)*255}var Je=Math.PI/180,
je=180/Math.PI,et=18,nr=.96422,tr=1,er=.82521,rr=4/29,Nn=6/29,ir=3*Nn*Nn,ko=Nn*Nn*Nn;function ur(n){if(n instanceof
Y)return new Y(n.l,n.a,n.b,n.opacity);if(n instanceof J)return ar(n);n instanceof $||(n=Ht(n));var t=Dt(n.r),e=Dt(
n.g),r=Dt(n.b),i=Tt((.2225045*t+.7168786*e+.0606169*r)/tr),u,o;return t===e&&e===r?u=o=i:(u=Tt((.4360747*t+.3850649*
e+.1430804*r)/nr),o=Tt((.0139322*t+.0971045*e+.7141733*r)/er)),new Y(116*i-16,500*(u-i),200*(i-o),n.opacity)}function or(n,t,e,r){return arguments.length===1?ur(n):new Y(n,t,e,r??1)}function Y(n,t,e,r){this.l=+n,this.a=
+t,this.b=+e,this.opacity=+r}Sn(Y,or,Dn(un,{brighter(n){return new Y(this.l+et*(n??1),this.a,this.b,this.opacity)},
darker(n){return new Y(this.l-et*(n??1),this.a,this.b,this.opacity)},rgb(){var n=(this.l+16)/116,t=isNaN(this.
a)?n:n+this.a/500,e=isNaN(this.b)?n:n-this.b/200;return t=nr*$t(t),n=tr*$t(n),e=er*$t(e),new $(zt(3.1338561*t-
1.6168667*n-.4906146*e),zt(-.9787684*t+1.9161415*n+.033454*e),zt(.0719453*t-.2289914*n+1.4052427*e),this.opacity)}}));
function Tt(n){return n>ko?Math.pow(n,1/3):n/ir+rr}function $t(n){return n>Nn?n*n*n:ir*(n-rr)}function zt(n){return 255*
(n<=.0031308?12.92*n:1.055*Math.pow(n,1/2.4)-.055)}function Dt(n){return(n/=255)<=.04045?n/12.92:Math.pow((n+.055)/
1.055,2.4)}function So(n){if(n instanceof J)return new J(n.h,n.c,n.l,n.opacity);if(n instanceof Y||(n=ur(n)),n.
a===0&&n.b===0)return new J(NaN,0<n.l&&n.l<100?0:NaN,n.l,n.opacity);var t=Math.atan2(n.b,n.a)*je;return new J(
t<0?t+360:t,Math.sqrt(n.a*n.a+n.b*n.b),n.l,n.opacity)}function it(n,t,e,r){return arguments.length===1?So(n):new J(n,t,e,r??1)}function J(n,t,e,r){this.h=+n,this.c=
+t,this.l=+e,this.opacity=+r}function ar(n){if(isNaN(n.h))return new Y(n.l,0,0,n.opacity);var t=n.h*Je;return new Y(
n.l,Math.cos(t)*n.c,Math.sin(t)*n.c,n.opacity)}Sn(J,it,Dn(un,{brighter(n){return new J(this.h,this.c,this.l+et*
(n??1),this.opacity)},darker(n){return new J(this.h,this.c,this.l-et*(n??1),this.opacity)},rgb(){return ar(this).
rgb()}}));var fr=-.14861,Lt=1.78277,Pt=-.29227,ut=-.90649,zn=1.97294,Qe=zn*ut,Ze=zn*Lt,Ge=Lt*Pt-ut*fr;function Eo(n){
if(n instanceof gn)return new gn(n.h,n.s,n.l,n.opacity);n instanceof $||(n=Ht(n));var t=n.r/255,e=n.g/255,r=n.
b/255,i=(Ge*r+Qe*t-Ze*e)/(Ge+Qe-Ze),u=r-i,o=(zn*(e-i)-Pt*u)/ut,a=Math.sqrt(o*o+u*u)/(zn*i*(1-i)),l=a?Math.atan2(
o,u)*je-120:NaN;return new gn(l<0?l+360:l,a,i,n.opacity)}function ot(n,t,e,r){return arguments.length===1?Eo(n):
new gn(n,t,e,r??1)}function gn(n,t,e,r){this.h=+n,this.s=+t,this.l=+e,this.opacity=+r}Sn(gn,ot,Dn(un,{brighter(n){
return n=n==null?kn:Math.pow(kn,n),new gn(this.h,this.s,this.l*n,this.opacity)},darker(n){return n=n==null?pn:
Math.pow(pn,n),new gn(this.h,this.s,this.l*n,this.opacity)},rgb(){var n=isNaN(this.h)?0:(this.h+120)*Je,t=+this.
l,e=isNaN(this.s)?0:this.s*t*(1-t),r=Math.cos(n),i=Math.sin(n);return new $(255*(t+e*(fr*r+Lt*i)),255*(t+e*(Pt*
r+ut*i)),255*(t+e*(zn*r)),this.opacity)}}));function sr(n,t,e,r,i){var u=n*n,o=u*n;return((1-3*n+3*u-o)*t+(4-6*u+3*o)*e+(1+3*n+3*u-3*o)*r+o*i)/6}function Io(n){
var t=n.length-1;return function(e){var r=e<=0?e=0:e>=1?(e=1,t-1):Math.floor(e*t),i=n[r],u=n[r+1],o=r>0?n[r-1]:
2*i-u,a=r<t-1?n[r+2]:2*u-i;return sr((e-r/t)*t,o,i,u,a)}}function Co(n){var t=n.length;return function(e){var r=Math.
floor(((e%=1)<0?++e:e)*t),i=n[(r+t-1)%t],u=n[r%t],o=n[(r+1)%t],a=n[(r+2)%t];return sr((e-r/t)*t,i,u,o,a)}}var ft=n=>()=>n;
function hr(n,t){return function(e){return n+e*t}}function qo(n,t,e){return n=Math.pow(n,e),t=Math.pow(t,e)-n,
e=1/e,function(r){return Math.pow(n+r*t,e)}}function Xt(n,t){var e=t-n;return e?hr(n,e>180||e<-180?e-360*Math.
round(e/360):e):ft(isNaN(n)?t:n)}function Oo(n){return(n=+n)==1?D:function(t,e){return e-t?qo(t,e,n):ft(isNaN(
t)?e:t)}}function D(n,t){var e=t-n;return e?hr(n,e):ft(isNaN(n)?t:n)}var Ln=(function n(t){var e=Oo(t);function r(i,u){
var o=e((i=Hn(i)).r,(u=Hn(u)).r),a=e(i.g,u.g),l=e(i.b,u.b),f=D(i.opacity,u.opacity);return function(s){return i.
r=o(s),i.g=a(s),i.b=l(s),i.opacity=f(s),i+""}}return r.gamma=n,r})(1);function dr(n){return function(t){var e=t.
length,r=new Array(e),i=new Array(e),u=new Array(e),o,a;for(o=0;o<e;++o)a=Hn(t[o]),r[o]=a.r||0,i[o]=a.g||0,u[o]=
a.b||0;return r=n(r),i=n(i),u=n(u),a.opacity=1,function(l){return a.r=r(l),a.g=i(l),a.b=u(l),a+""}}}var Hf=dr(
Io),Lf=dr(Co);function Ro(n,t){t||(t=[]);var e=n?Math.min(t.length,n.length):0,r=t.slice(),i;return function(u){
for(i=0;i<e;++i)r[i]=n[i]*(1-u)+t[i]*u;return r}}function To(n){return ArrayBuffer.isView(n)&&!(n instanceof DataView)}function $o(n,t){var e=t?t.length:0,r=n?Math.min(e,n.length):0,i=new Array(r),u=new Array(e),o;for(o=0;o<r;++o)
i[o]=lt(n[o],t[o]);for(;o<e;++o)u[o]=t[o];return function(a){for(o=0;o<r;++o)u[o]=i[o](a);return u}}function zo(n,t){
var e=new Date;return n=+n,t=+t,function(r){return e.setTime(n*(1-r)+t*r),e}}function L(n,t){return n=+n,t=+t,
function(e){return n*(1-e)+t*e}}function Do(n,t){var e={},r={},i;(n===null||typeof n!="object")&&(n={}),(t===null||
typeof t!="object")&&(t={});for(i in t)i in n?e[i]=lt(n[i],t[i]):r[i]=t[i];return function(u){for(i in e)r[i]=
e[i](u);return r}}var Bt=/[-+]?(?:\d+\.?\d*|\.?\d+)(?:[eE][-+]?\d+)?/g,Ft=new RegExp(Bt.source,"g");function Ho(n){
return function(){return n}}function Lo(n){return function(t){return n(t)+""}}function Yt(n,t){var e=Bt.lastIndex=
Ft.lastIndex=0,r,i,u,o=-1,a=[],l=[];for(n=n+"",t=t+"";(r=Bt.exec(n))&&(i=Ft.exec(t));)(u=i.index)>e&&(u=t.slice(
e,u),a[o]?a[o]+=u:a[++o]=u),(r=r[0])===(i=i[0])?a[o]?a[o]+=i:a[++o]=i:(a[++o]=null,l.push({i:o,x:L(r,i)})),e=Ft.
lastIndex;return e<t.length&&(u=t.slice(e),a[o]?a[o]+=u:a[++o]=u),a.length<2?l[0]?Lo(l[0].x):Ho(t):(t=l.length,
function(f){for(var s=0,h;s<t;++s)a[(h=l[s]).i]=h.x(f);return a.join("")})}function lt(n,t){var e=typeof t,r;return t==
null||e==="boolean"?ft(t):(e==="number"?L:e==="string"?(r=j(t))?(t=r,Ln):Yt:t instanceof j?Ln:t instanceof Date?
zo:To(t)?Ro:Array.isArray(t)?$o:typeof t.valueOf!="function"&&typeof t.toString!="function"||isNaN(t)?Do:L)(n,
t)}function gr(n,t){return n=+n,t=+t,function(e){return Math.round(n*(1-e)+t*e)}}var lr=180/Math.PI,Vt={translateX:0,
translateY:0,rotate:0,skewX:0,scaleX:1,scaleY:1};function pr(n,t,e,r,i,u){var o,a,l;return(o=Math.sqrt(n*n+t*t))&&
(n/=o,t/=o),(l=n*e+t*r)&&(e-=n*l,r-=t*l),(a=Math.sqrt(e*e+r*r))&&(e/=a,r/=a,l/=a),n*r<t*e&&(n=-n,t=-t,l=-l,o=-o),
{translateX:i,translateY:u,rotate:Math.atan2(t,n)*lr,skewX:Math.atan(l)*lr,scaleX:o,scaleY:a}}var at;function Po(n){
let t=new(typeof DOMMatrix=="function"?DOMMatrix:WebKitCSSMatrix)(n+"");return t.isIdentity?Vt:pr(t.a,t.b,t.c,
t.d,t.e,t.f)}function Fo(n){return n==null||(at||(at=document.createElementNS("http://www.w3.org/2000/svg","g")),
at.setAttribute("transform",n),!(n=at.transform.baseVal.consolidate()))?Vt:(n=n.matrix,pr(n.a,n.b,n.c,n.d,n.e,
n.f))}function mr(n,t,e,r){function i(f){return f.length?f.pop()+" ":""}function u(f,s,h,d,p,v){if(f!==h||s!==
d){var x=p.push("translate(",null,t,null,e);v.push({i:x-4,x:L(f,h)},{i:x-2,x:L(s,d)})}else(h||d)&&p.push("tran\
slate("+h+t+d+e)}function o(f,s,h,d){f!==s?(f-s>180?s+=360:s-f>180&&(f+=360),d.push({i:h.push(i(h)+"rotate(",null,
r)-2,x:L(f,s)})):s&&h.push(i(h)+"rotate("+s+r)}function a(f,s,h,d){f!==s?d.push({i:h.push(i(h)+"skewX(",null,r)-
2,x:L(f,s)}):s&&h.push(i(h)+"skewX("+s+r)}function l(f,s,h,d,p,v){if(f!==h||s!==d){var x=p.push(i(p)+"scale(",
null,",",null,")");v.push({i:x-4,x:L(f,h)},{i:x-2,x:L(s,d)})}else(h!==1||d!==1)&&p.push(i(p)+"scale("+h+","+d+
")")}return function(f,s){var h=[],d=[];return f=n(f),s=n(s),u(f.translateX,f.translateY,s.translateX,s.translateY,
h,d),o(f.rotate,s.rotate,h,d),a(f.skewX,s.skewX,h,d),l(f.scaleX,f.scaleY,s.scaleX,s.scaleY,h,d),f=s=null,function(p){
for(var v=-1,x=d.length,b;++v<x;)h[(b=d[v]).i]=b.x(p);return h.join("")}}}var yr=mr(Po,"px, ","px)","deg)"),wr=mr(
Fo,", ",")",")"),Bo=1e-12;function cr(n){return((n=Math.exp(n))+1/n)/2}function Vo(n){return((n=Math.exp(n))-1/
n)/2}function Xo(n){return((n=Math.exp(2*n))-1)/(n+1)}var Pf=(function n(t,e,r){function i(u,o){var a=u[0],l=u[1],
f=u[2],s=o[0],h=o[1],d=o[2],p=s-a,v=h-l,x=p*p+v*v,b,q;if(x<Bo)q=Math.log(d/f)/t,b=function(F){return[a+F*p,l+F*
v,f*Math.exp(t*F*q)]};else{var S=Math.sqrt(x),O=(d*d-f*f+r*x)/(2*f*e*S),C=(d*d-f*f-r*x)/(2*d*e*S),E=Math.log(Math.
sqrt(O*O+1)-O),k=Math.log(Math.sqrt(C*C+1)-C);q=(k-E)/t,b=function(F){var en=F*q,W=cr(E),Q=f/(e*S)*(W*Xo(t*en+
E)-Vo(E));return[a+Q*p,l+Q*v,f*W/cr(t*en+E)]}}return b.duration=Math.abs(q)*1e3*t/Math.SQRT2,b}return i.rho=function(u){
var o=Math.max(.001,+u),a=o*o,l=a*a;return n(o,a,l)},i})(Math.SQRT2,2,4);function xr(n){return function(t,e){var r=n(
(t=rt(t)).h,(e=rt(e)).h),i=D(t.s,e.s),u=D(t.l,e.l),o=D(t.opacity,e.opacity);return function(a){return t.h=r(a),
t.s=i(a),t.l=u(a),t.opacity=o(a),t+""}}}var Ff=xr(Xt),Bf=xr(D);function vr(n){return function(t,e){var r=n((t=it(t)).h,(e=it(e)).h),i=D(t.c,e.c),u=D(t.l,e.l),o=D(t.opacity,e.
opacity);return function(a){return t.h=r(a),t.c=i(a),t.l=u(a),t.opacity=o(a),t+""}}}var Vf=vr(Xt),Xf=vr(D);function _r(n){
return(function t(e){e=+e;function r(i,u){var o=n((i=ot(i)).h,(u=ot(u)).h),a=D(i.s,u.s),l=D(i.l,u.l),f=D(i.opacity,
u.opacity);return function(s){return i.h=o(s),i.s=a(s),i.l=l(Math.pow(s,e)),i.opacity=f(s),i+""}}return r.gamma=
t,r})(1)}var Yf=_r(Xt),Uf=_r(D);function Yo(n,t){switch(arguments.length){case 0:break;case 1:this.range(n);break;default:this.range(t).domain(
n);break}return this}function Uo(n){return function(){return n}}function Wo(n){return+n}var Mr=[0,1];function En(n){return n}function Ut(n,t){
return(t-=n=+n)?function(e){return(e-n)/t}:Uo(isNaN(t)?NaN:.5)}function Qo(n,t){var e;return n>t&&(e=n,n=t,t=e),
function(r){return Math.max(n,Math.min(t,r))}}function Zo(n,t,e){var r=n[0],i=n[1],u=t[0],o=t[1];return i<r?(r=
Ut(i,r),u=e(o,u)):(r=Ut(r,i),u=e(u,o)),function(a){return u(r(a))}}function Go(n,t,e){var r=Math.min(n.length,
t.length)-1,i=new Array(r),u=new Array(r),o=-1;for(n[r]<n[0]&&(n=n.slice().reverse(),t=t.slice().reverse());++o<
r;)i[o]=Ut(n[o],n[o+1]),u[o]=e(t[o],t[o+1]);return function(a){var l=qe(n,a,1,r)-1;return u[l](i[l](a))}}function Ko(n,t){
return t.domain(n.domain()).range(n.range()).interpolate(n.interpolate()).clamp(n.clamp()).unknown(n.unknown())}
function Jo(){var n=Mr,t=Mr,e=lt,r,i,u,o=En,a,l,f;function s(){var d=Math.min(n.length,t.length);return o!==En&&
(o=Qo(n[0],n[d-1])),a=d>2?Go:Zo,l=f=null,h}function h(d){return d==null||isNaN(d=+d)?u:(l||(l=a(n.map(r),t,e)))(
r(o(d)))}return h.invert=function(d){return o(i((f||(f=a(t,n.map(r),L)))(d)))},h.domain=function(d){return arguments.
length?(n=Array.from(d,Wo),s()):n.slice()},h.range=function(d){return arguments.length?(t=Array.from(d),s()):t.
slice()},h.rangeRound=function(d){return t=Array.from(d),e=gr,s()},h.clamp=function(d){return arguments.length?
(o=d?!0:En,s()):o!==En},h.interpolate=function(d){return arguments.length?(e=d,s()):e},h.unknown=function(d){return arguments.
length?(u=d,h):u},function(d,p){return r=d,i=p,s()}}function jo(){return Jo()(En,En)}function na(n,t,e,r){var i=$e(
n,t,e),u;switch(r=Rn(r??",f"),r.type){case"s":{var o=Math.max(Math.abs(n),Math.abs(t));return r.precision==null&&
!isNaN(u=Se(i,o))&&(r.precision=u),qt(r,o)}case"":case"e":case"g":case"p":case"r":{r.precision==null&&!isNaN(u=
Ee(i,Math.max(Math.abs(n),Math.abs(t))))&&(r.precision=u-(r.type==="e"));break}case"f":case"%":{r.precision==null&&
!isNaN(u=ke(i))&&(r.precision=u-(r.type==="%")*2);break}}return _n(r)}function ta(n){var t=n.domain;return n.ticks=
function(e){var r=t();return Te(r[0],r[r.length-1],e??10)},n.tickFormat=function(e,r){var i=t();return na(i[0],
i[i.length-1],e??10,r)},n.nice=function(e){e==null&&(e=10);var r=t(),i=0,u=r.length-1,o=r[i],a=r[u],l,f,s=10;for(a<
o&&(f=o,o=a,a=f,f=i,i=u,u=f);s-- >0;){if(f=Kn(o,a,e),f===l)return r[i]=o,r[u]=a,t(r);if(f>0)o=Math.floor(o/f)*
f,a=Math.ceil(a/f)*f;else if(f<0)o=Math.ceil(o*f)/f,a=Math.floor(a*f)/f;else break;l=f}return n},n}function ct(){
var n=jo();return n.copy=function(){return Ko(n,ct())},Yo.apply(n,arguments),ta(n)}function ht(n){return((n*=2)<=1?n*n*n:(n-=2)*n*n+2)/2}var Wt=3,rl=(function n(t){t=+t;function e(r){return Math.
pow(r,t)}return e.exponent=n,e})(Wt),il=(function n(t){t=+t;function e(r){return 1-Math.pow(1-r,t)}return e.exponent=
n,e})(Wt),ul=(function n(t){t=+t;function e(r){return((r*=2)<=1?Math.pow(r,t):2-Math.pow(2-r,t))/2}return e.exponent=
n,e})(Wt),ea=Math.PI,ol=ea/2;function st(n){return(Math.pow(2,-10*n)-.0009765625)*1.0009775171065494}var br=4/11,al=6/11,fl=8/11,ll=3/4,cl=9/11,sl=10/11,hl=15/16,dl=21/22,gl=63/64,pl=1/br/br;var Qt=1.70158,ml=(function n(t){t=+t;function e(r){return(r=+r)*r*(t*(r-1)+r)}return e.overshoot=n,e})(Qt),yl=(function n(t){
t=+t;function e(r){return--r*r*((r+1)*t+r)+1}return e.overshoot=n,e})(Qt),wl=(function n(t){t=+t;function e(r){
return((r*=2)<1?r*r*((t+1)*r-t):(r-=2)*r*((t+1)*r+t)+2)/2}return e.overshoot=n,e})(Qt),In=2*Math.PI,Zt=1,Gt=.3,
xl=(function n(t,e){var r=Math.asin(1/(t=Math.max(1,t)))*(e/=In);function i(u){return t*st(- --u)*Math.sin((r-
u)/e)}return i.amplitude=function(u){return n(u,e*In)},i.period=function(u){return n(t,u)},i})(Zt,Gt),vl=(function n(t,e){
var r=Math.asin(1/(t=Math.max(1,t)))*(e/=In);function i(u){return 1-t*st(u=+u)*Math.sin((u+r)/e)}return i.amplitude=
function(u){return n(u,e*In)},i.period=function(u){return n(t,u)},i})(Zt,Gt),_l=(function n(t,e){var r=Math.asin(
1/(t=Math.max(1,t)))*(e/=In);function i(u){return((u=u*2-1)<0?t*st(-u)*Math.sin((r-u)/e):2-t*st(u)*Math.sin((r+
u)/e))/2}return i.amplitude=function(u){return n(u,e*In)},i.period=function(u){return n(t,u)},i})(Zt,Gt);var ra={value:()=>{}};function Kt(){for(var n=0,t=arguments.length,e={},r;n<t;++n){if(!(r=arguments[n]+"")||r in
e||/[\s.]/.test(r))throw new Error("illegal type: "+r);e[r]=[]}return new dt(e)}function dt(n){this._=n}function ia(n,t){
return n.trim().split(/^|\s+/).map(function(e){var r="",i=e.indexOf(".");if(i>=0&&(r=e.slice(i+1),e=e.slice(0,
i)),e&&!t.hasOwnProperty(e))throw new Error("unknown type: "+e);return{type:e,name:r}})}dt.prototype=Kt.prototype=
{constructor:dt,on:function(n,t){var e=this._,r=ia(n+"",e),i,u=-1,o=r.length;if(arguments.length<2){for(;++u<o;)
if((i=(n=r[u]).type)&&(i=ua(e[i],n.name)))return i;return}if(t!=null&&typeof t!="function")throw new Error("in\
valid callback: "+t);for(;++u<o;)if(i=(n=r[u]).type)e[i]=Ar(e[i],n.name,t);else if(t==null)for(i in e)e[i]=Ar(
e[i],n.name,null);return this},copy:function(){var n={},t=this._;for(var e in t)n[e]=t[e].slice();return new dt(
n)},call:function(n,t){if((i=arguments.length-2)>0)for(var e=new Array(i),r=0,i,u;r<i;++r)e[r]=arguments[r+2];
if(!this._.hasOwnProperty(n))throw new Error("unknown type: "+n);for(u=this._[n],r=0,i=u.length;r<i;++r)u[r].value.
apply(t,e)},apply:function(n,t,e){if(!this._.hasOwnProperty(n))throw new Error("unknown type: "+n);for(var r=this.
_[n],i=0,u=r.length;i<u;++i)r[i].value.apply(t,e)}};function ua(n,t){for(var e=0,r=n.length,i;e<r;++e)if((i=n[e]).
name===t)return i.value}function Ar(n,t,e){for(var r=0,i=n.length;r<i;++r)if(n[r].name===t){n[r]=ra,n=n.slice(
0,r).concat(n.slice(r+1));break}return e!=null&&n.push({name:t,value:e}),n}var Cn=0,Fn=0,Pn=0,kr=1e3,gt,Bn,pt=0,mn=0,yt=0,Vn=typeof performance=="object"&&performance.now?performance:Date,
Sr=typeof window=="object"&&window.requestAnimationFrame?window.requestAnimationFrame.bind(window):function(n){
setTimeout(n,17)};function wt(){return mn||(Sr(oa),mn=Vn.now()+yt)}function oa(){mn=0}function mt(){this._call=
this._time=this._next=null}mt.prototype=jt.prototype={constructor:mt,restart:function(n,t,e){if(typeof n!="fun\
ction")throw new TypeError("callback is not a function");e=(e==null?wt():+e)+(t==null?0:+t),!this._next&&Bn!==
this&&(Bn?Bn._next=this:gt=this,Bn=this),this._call=n,this._time=e,Jt()},stop:function(){this._call&&(this._call=
null,this._time=1/0,Jt())}};function jt(n,t,e){var r=new mt;return r.restart(n,t,e),r}function aa(){wt(),++Cn;
for(var n=gt,t;n;)(t=mn-n._time)>=0&&n._call.call(void 0,t),n=n._next;--Cn}function Nr(){mn=(pt=Vn.now())+yt,Cn=
Fn=0;try{aa()}finally{Cn=0,la(),mn=0}}function fa(){var n=Vn.now(),t=n-pt;t>kr&&(yt-=t,pt=n)}function la(){for(var n,
t=gt,e,r=1/0;t;)t._call?(r>t._time&&(r=t._time),n=t,t=t._next):(e=t._next,t._next=null,t=n?n._next=e:gt=e);Bn=
n,Jt(r)}function Jt(n){if(!Cn){Fn&&(Fn=clearTimeout(Fn));var t=n-mn;t>24?(n<1/0&&(Fn=setTimeout(Nr,Math.ceil(n-
Vn.now()-yt)+1)),Pn&&(Pn=clearInterval(Pn))):(Pn||(pt=Vn.now(),Pn=setInterval(fa,kr)),Cn=1,Sr(Nr))}}function ne(n,t,e){
var r=new mt;return t=t==null?0:+t,r.restart(i=>{r.stop(),n(i+t)},t,e),r}var ca=Kt("start","end","cancel","interrupt"),sa=[],Cr=0,Er=1,te=2,xt=3,Ir=4,ee=5,vt=6;function _t(n,t,e,r,i,u){
var o=n.__transition;if(!o)n.__transition={};else if(e in o)return;ha(n,e,{name:t,index:r,group:i,on:ca,tween:sa,
time:u.time,delay:u.delay,duration:u.duration,ease:u.ease,timer:null,state:Cr})}function re(n,t){var e=V(n,t);
if(e.state>Cr)throw new Error("too late; already scheduled");return e}function U(n,t){var e=V(n,t);if(e.state>
xt)throw new Error("too late; already running");return e}function V(n,t){var e=n.__transition;if(!e||!(e=e[t]))
throw new Error("transition not found");return e}function ha(n,t,e){var r=n.__transition,i;r[t]=e,e.timer=jt(u,
0,e.time);function u(f){e.state=Er,e.timer.restart(o,e.delay,e.time),e.delay<=f&&o(f-e.delay)}function o(f){var s,
h,d,p;if(e.state!==Er)return l();for(s in r)if(p=r[s],p.name===e.name){if(p.state===xt)return ne(o);p.state===
Ir?(p.state=vt,p.timer.stop(),p.on.call("interrupt",n,n.__data__,p.index,p.group),delete r[s]):+s<t&&(p.state=
vt,p.timer.stop(),p.on.call("cancel",n,n.__data__,p.index,p.group),delete r[s])}if(ne(function(){e.state===xt&&
(e.state=Ir,e.timer.restart(a,e.delay,e.time),a(f))}),e.state=te,e.on.call("start",n,n.__data__,e.index,e.group),
e.state===te){for(e.state=xt,i=new Array(d=e.tween.length),s=0,h=-1;s<d;++s)(p=e.tween[s].value.call(n,n.__data__,
e.index,e.group))&&(i[++h]=p);i.length=h+1}}function a(f){for(var s=f<e.duration?e.ease.call(null,f/e.duration):
(e.timer.restart(l),e.state=ee,1),h=-1,d=i.length;++h<d;)i[h].call(n,s);e.state===ee&&(e.on.call("end",n,n.__data__,
e.index,e.group),l())}function l(){e.state=vt,e.timer.stop(),delete r[t];for(var f in r)return;delete n.__transition}}
function da(n,t){var e=n.__transition,r,i,u=!0,o;if(e){t=t==null?null:t+"";for(o in e){if((r=e[o]).name!==t){u=
!1;continue}i=r.state>te&&r.state<ee,r.state=vt,r.timer.stop(),r.on.call(i?"interrupt":"cancel",n,n.__data__,r.
index,r.group),delete e[o]}u&&delete n.__transition}}function ga(n){return this.each(function(){da(this,n)})}function pa(n,t){
var e,r;return function(){var i=U(this,n),u=i.tween;if(u!==e){r=e=u;for(var o=0,a=r.length;o<a;++o)if(r[o].name===
t){r=r.slice(),r.splice(o,1);break}}i.tween=r}}function ma(n,t,e){var r,i;if(typeof e!="function")throw new Error;
return function(){var u=U(this,n),o=u.tween;if(o!==r){i=(r=o).slice();for(var a={name:t,value:e},l=0,f=i.length;l<
f;++l)if(i[l].name===t){i[l]=a;break}l===f&&i.push(a)}u.tween=i}}function ya(n,t){var e=this._id;if(n+="",arguments.
length<2){for(var r=V(this.node(),e).tween,i=0,u=r.length,o;i<u;++i)if((o=r[i]).name===n)return o.value;return null}
return this.each((t==null?pa:ma)(e,n,t))}function ie(n,t,e){var r=n._id;return n.each(function(){var i=U(this,
r);(i.value||(i.value={}))[t]=e.apply(this,arguments)}),function(i){return V(i,r).value[t]}}function qr(n,t){var e;
return(typeof t=="number"?L:t instanceof j?Ln:(e=j(t))?(t=e,Ln):Yt)(n,t)}function wa(n){return function(){this.
removeAttribute(n)}}function xa(n){return function(){this.removeAttributeNS(n.space,n.local)}}function va(n,t,e){
var r,i=e+"",u;return function(){var o=this.getAttribute(n);return o===i?null:o===r?u:u=t(r=o,e)}}function _a(n,t,e){
var r,i=e+"",u;return function(){var o=this.getAttributeNS(n.space,n.local);return o===i?null:o===r?u:u=t(r=o,
e)}}function Ma(n,t,e){var r,i,u;return function(){var o,a=e(this),l;return a==null?void this.removeAttribute(
n):(o=this.getAttribute(n),l=a+"",o===l?null:o===r&&l===i?u:(i=l,u=t(r=o,a)))}}function ba(n,t,e){var r,i,u;return function(){
var o,a=e(this),l;return a==null?void this.removeAttributeNS(n.space,n.local):(o=this.getAttributeNS(n.space,n.
local),l=a+"",o===l?null:o===r&&l===i?u:(i=l,u=t(r=o,a)))}}function Aa(n,t){var e=On(n),r=e==="transform"?wr:qr;
return this.attrTween(n,typeof t=="function"?(e.local?ba:Ma)(e,r,ie(this,"attr."+n,t)):t==null?(e.local?xa:wa)(
e):(e.local?_a:va)(e,r,t))}function Na(n,t){return function(e){this.setAttribute(n,t.call(this,e))}}function ka(n,t){
return function(e){this.setAttributeNS(n.space,n.local,t.call(this,e))}}function Sa(n,t){var e,r;function i(){
var u=t.apply(this,arguments);return u!==r&&(e=(r=u)&&ka(n,u)),e}return i._value=t,i}function Ea(n,t){var e,r;
function i(){var u=t.apply(this,arguments);return u!==r&&(e=(r=u)&&Na(n,u)),e}return i._value=t,i}function Ia(n,t){
var e="attr."+n;if(arguments.length<2)return(e=this.tween(e))&&e._value;if(t==null)return this.tween(e,null);if(typeof t!=
"function")throw new Error;var r=On(n);return this.tween(e,(r.local?Sa:Ea)(r,t))}function Ca(n,t){return function(){
re(this,n).delay=+t.apply(this,arguments)}}function qa(n,t){return t=+t,function(){re(this,n).delay=t}}function Oa(n){
var t=this._id;return arguments.length?this.each((typeof n=="function"?Ca:qa)(t,n)):V(this.node(),t).delay}function Ra(n,t){
return function(){U(this,n).duration=+t.apply(this,arguments)}}function Ta(n,t){return t=+t,function(){U(this,
n).duration=t}}function $a(n){var t=this._id;return arguments.length?this.each((typeof n=="function"?Ra:Ta)(t,
n)):V(this.node(),t).duration}function za(n,t){if(typeof t!="function")throw new Error;return function(){U(this,
n).ease=t}}function Da(n){var t=this._id;return arguments.length?this.each(za(t,n)):V(this.node(),t).ease}function Ha(n,t){
return function(){var e=t.apply(this,arguments);if(typeof e!="function")throw new Error;U(this,n).ease=e}}function La(n){
if(typeof n!="function")throw new Error;return this.each(Ha(this._id,n))}function Pa(n){typeof n!="function"&&
(n=Et(n));for(var t=this._groups,e=t.length,r=new Array(e),i=0;i<e;++i)for(var u=t[i],o=u.length,a=r[i]=[],l,f=0;f<
o;++f)(l=u[f])&&n.call(l,l.__data__,f,u)&&a.push(l);return new tn(r,this._parents,this._name,this._id)}function Fa(n){
if(n._id!==this._id)throw new Error;for(var t=this._groups,e=n._groups,r=t.length,i=e.length,u=Math.min(r,i),o=new Array(
r),a=0;a<u;++a)for(var l=t[a],f=e[a],s=l.length,h=o[a]=new Array(s),d,p=0;p<s;++p)(d=l[p]||f[p])&&(h[p]=d);for(;a<
r;++a)o[a]=t[a];return new tn(o,this._parents,this._name,this._id)}function Ba(n){return(n+"").trim().split(/^|\s+/).
every(function(t){var e=t.indexOf(".");return e>=0&&(t=t.slice(0,e)),!t||t==="start"})}function Va(n,t,e){var r,
i,u=Ba(t)?re:U;return function(){var o=u(this,n),a=o.on;a!==r&&(i=(r=a).copy()).on(t,e),o.on=i}}function Xa(n,t){
var e=this._id;return arguments.length<2?V(this.node(),e).on.on(n):this.each(Va(e,n,t))}function Ya(n){return function(){
var t=this.parentNode;for(var e in this.__transition)if(+e!==n)return;t&&t.removeChild(this)}}function Ua(){return this.
on("end.remove",Ya(this._id))}function Wa(n){var t=this._name,e=this._id;typeof n!="function"&&(n=Un(n));for(var r=this.
_groups,i=r.length,u=new Array(i),o=0;o<i;++o)for(var a=r[o],l=a.length,f=u[o]=new Array(l),s,h,d=0;d<l;++d)(s=
a[d])&&(h=n.call(s,s.__data__,d,a))&&("__data__"in s&&(h.__data__=s.__data__),f[d]=h,_t(f[d],t,e,d,f,V(s,e)));
return new tn(u,this._parents,t,e)}function Qa(n){var t=this._name,e=this._id;typeof n!="function"&&(n=St(n));
for(var r=this._groups,i=r.length,u=[],o=[],a=0;a<i;++a)for(var l=r[a],f=l.length,s,h=0;h<f;++h)if(s=l[h]){for(var d=n.
call(s,s.__data__,h,l),p,v=V(s,e),x=0,b=d.length;x<b;++x)(p=d[x])&&_t(p,t,e,x,d,v);u.push(d),o.push(s)}return new tn(
u,o,t,e)}var Za=cn.prototype.constructor;function Ga(){return new Za(this._groups,this._parents)}function Ka(n,t){
var e,r,i;return function(){var u=ln(this,n),o=(this.style.removeProperty(n),ln(this,n));return u===o?null:u===
e&&o===r?i:i=t(e=u,r=o)}}function Or(n){return function(){this.style.removeProperty(n)}}function Ja(n,t,e){var r,
i=e+"",u;return function(){var o=ln(this,n);return o===i?null:o===r?u:u=t(r=o,e)}}function ja(n,t,e){var r,i,u;
return function(){var o=ln(this,n),a=e(this),l=a+"";return a==null&&(l=a=(this.style.removeProperty(n),ln(this,
n))),o===l?null:o===r&&l===i?u:(i=l,u=t(r=o,a))}}function nf(n,t){var e,r,i,u="style."+t,o="end."+u,a;return function(){
var l=U(this,n),f=l.on,s=l.value[u]==null?a||(a=Or(t)):void 0;(f!==e||i!==s)&&(r=(e=f).copy()).on(o,i=s),l.on=
r}}function tf(n,t,e){var r=(n+="")=="transform"?yr:qr;return t==null?this.styleTween(n,Ka(n,r)).on("end.style\
."+n,Or(n)):typeof t=="function"?this.styleTween(n,ja(n,r,ie(this,"style."+n,t))).each(nf(this._id,n)):this.styleTween(
n,Ja(n,r,t),e).on("end.style."+n,null)}function ef(n,t,e){return function(r){this.style.setProperty(n,t.call(this,
r),e)}}function rf(n,t,e){var r,i;function u(){var o=t.apply(this,arguments);return o!==i&&(r=(i=o)&&ef(n,o,e)),
r}return u._value=t,u}function uf(n,t,e){var r="style."+(n+="");if(arguments.length<2)return(r=this.tween(r))&&
r._value;if(t==null)return this.tween(r,null);if(typeof t!="function")throw new Error;return this.tween(r,rf(n,
t,e??""))}function of(n){return function(){this.textContent=n}}function af(n){return function(){var t=n(this);
this.textContent=t??""}}function ff(n){return this.tween("text",typeof n=="function"?af(ie(this,"text",n)):of(
n==null?"":n+""))}function lf(n){return function(t){this.textContent=n.call(this,t)}}function cf(n){var t,e;function r(){
var i=n.apply(this,arguments);return i!==e&&(t=(e=i)&&lf(i)),t}return r._value=n,r}function sf(n){var t="text";
if(arguments.length<1)return(t=this.tween(t))&&t._value;if(n==null)return this.tween(t,null);if(typeof n!="fun\
ction")throw new Error;return this.tween(t,cf(n))}function hf(){for(var n=this._name,t=this._id,e=Rr(),r=this.
_groups,i=r.length,u=0;u<i;++u)for(var o=r[u],a=o.length,l,f=0;f<a;++f)if(l=o[f]){var s=V(l,t);_t(l,n,e,f,o,{time:s.
time+s.delay+s.duration,delay:0,duration:s.duration,ease:s.ease})}return new tn(r,this._parents,n,e)}function df(){
var n,t,e=this,r=e._id,i=e.size();return new Promise(function(u,o){var a={value:o},l={value:function(){--i===0&&
u()}};e.each(function(){var f=U(this,r),s=f.on;s!==n&&(t=(n=s).copy(),t._.cancel.push(a),t._.interrupt.push(a),
t._.end.push(l)),f.on=t}),i===0&&u()})}var gf=0;function tn(n,t,e,r){this._groups=n,this._parents=t,this._name=
e,this._id=r}function pf(n){return cn().transition(n)}function Rr(){return++gf}var nn=cn.prototype;tn.prototype=
pf.prototype={constructor:tn,select:Wa,selectAll:Qa,selectChild:nn.selectChild,selectChildren:nn.selectChildren,
filter:Pa,merge:Fa,selection:Ga,transition:hf,call:nn.call,nodes:nn.nodes,node:nn.node,size:nn.size,empty:nn.empty,
each:nn.each,on:Xa,attr:Aa,attrTween:Ia,style:tf,styleTween:uf,text:ff,textTween:sf,remove:Ua,tween:ya,delay:Oa,
duration:$a,ease:Da,easeVarying:La,end:df,[Symbol.iterator]:nn[Symbol.iterator]};var mf={time:null,delay:0,duration:250,
ease:ht};function yf(n,t){for(var e;!(e=n.__transition)||!(e=e[t]);)if(!(n=n.parentNode))throw new Error(`tran\
sition ${t} not found`);return e}function wf(n){var t,e;n instanceof tn?(t=n._id,n=n._name):(t=Rr(),(e=mf).time=
wt(),n=n==null?null:n+"");for(var r=this._groups,i=r.length,u=0;u<i;++u)for(var o=r[u],a=o.length,l,f=0;f<a;++f)
(l=o[f])&&_t(l,n,t,f,o,e||yf(l,t));return new tn(r,this._parents,n,t)}cn.prototype.interrupt=ga;cn.prototype.transition=
wf;function xf(n){let e=0,r=0,i=1,u=10;if(n){for(let o=0;o<n.length&&!(o>6);o++)e+=i*(n.charCodeAt(o)%u),r+=i*(u-
1),i*=.7;r>0&&(e=e/r)}return e}function vf(n){let t=0;if(n){let e=n.split("`");e.length>1&&(n=e[e.length-1]),n=
n.split("(")[0],t=xf(n)}return t}function _f(n,t){let e,r,i;return n==="red"?(e=200+Math.round(55*t),r=50+Math.
round(80*t),i=r):n==="orange"?(e=190+Math.round(65*t),r=90+Math.round(65*t),i=0):n==="yellow"?(e=175+Math.round(
55*t),r=e,i=50+Math.round(20*t)):n==="green"?(e=50+Math.round(60*t),r=200+Math.round(55*t),i=e):n==="pastelgre\
en"?(e=163+Math.round(75*t),r=195+Math.round(49*t),i=72+Math.round(149*t)):n==="blue"?(e=91+Math.round(126*t),
r=156+Math.round(76*t),i=221+Math.round(26*t)):n==="aqua"?(e=50+Math.round(60*t),r=165+Math.round(55*t),i=r):n===
"cold"?(e=0+Math.round(55*(1-t)),r=0+Math.round(230*(1-t)),i=200+Math.round(55*t)):(e=200+Math.round(55*t),r=0+
Math.round(230*(1-t)),i=0+Math.round(55*(1-t))),"rgb("+e+","+r+","+i+")"}function Tr(){let n=960,t=null,e=18,r=null,i=null,u="",o=750,a=ht,l=!1,f=!1,s=null,h=null,d=0,p=null,v=null,x=!1,
b=!1,q=!1,S=null,O=!1,C=null,E=function(c){return c.data.n||c.data.name},k=function(c){return"v"in c?c.v:c.value},
F=function(c){return c.c||c.children},en=function(c){return c.data.l||c.data.libtype},W=function(c){return"d"in
c.data?c.data.d:c.data.delta},Q=function(c,y,m){v=()=>{p&&(p.textContent="search: "+y+" of "+m+" total samples\
 ( "+_n(".3f")(100*(y/m),3)+"%)")},v()},Xn=Q,M=(c,y,m=!1)=>{if(!y)return!1;let w=E(c);m&&(y=y.toLowerCase(),w=
w.toLowerCase());let _=new RegExp(y);return typeof w<"u"&&w&&w.match(_)},Z=M,R=function(c){p&&(c?p.textContent=
c:typeof v=="function"?v():p.textContent="")},rn=R,on=function(c){return E(c)+" ("+_n(".3f")(100*(c.x1-c.x0),3)+
"%, "+k(c)+" samples)"},G=function(c){return c.highlight?"#E600E6":yn(E(c),en(c))},an=G;function yn(c,y){let m=C||
"warm";!C&&!(typeof y>"u"||y==="")&&(m="red",typeof c<"u"&&c&&c.match(/::/)&&(m="yellow"),y==="kernel"?m="oran\
ge":y==="jit"?m="green":y==="inlined"&&(m="aqua"));let w=vf(c);return _f(m,w)}function P(c){c.data.fade=!1,c.data.
hide=!1,c.children&&c.children.forEach(P)}function $r(c){let y=c,m=y.parent,w,_,N;for(;m;){for(w=m.children,_=
w.length;_--;)N=w[_],N!==y&&(N.data.hide=!0);y=m,m=y.parent}}function ue(c){c.parent&&(c.parent.data.fade=!0,ue(
c.parent))}function Mt(c,y){if(i&&i.hide(),$r(c),P(c),ue(c),wn(),q){let m=y.parentNode.offsetTop,w=(window.innerHeight-
m)/e,_=(c.height-w+10)*e;window.scrollTo({top:m+_,left:0,behavior:"smooth"})}typeof s=="function"&&s(c)}function zr(c,y){
let m=[],w=0;function _(N,T){let I=!1;M(N,y)?(N.highlight=!0,I=!0,T||(w+=k(N)),m.push(N)):N.highlight=!1,N.children&&
N.children.forEach(function(K){_(K,T||I)})}return _(c,!1),[m,w]}function oe(c,y){if(c.id===y)return c;{let m=c.
children;if(m)for(let w=0;w<m.length;w++){let _=oe(m[w],y);if(_)return _}}}function ae(c){c.highlight=!1,c.children&&
c.children.forEach(function(y){ae(y)})}function Dr(c,y){if(typeof l=="function")return l(c,y);if(l)return sn(E(
c),E(y))}let Hr=ze();function Lr(c){let y=c.descendants();if(d>0){let m=n/(c.x1-c.x0);y=y.filter(function(w){return(w.
x1-w.x0)*m>d})}return y}function wn(){r.each(function(c){let y=ct().range([0,n]),m=ct().range([0,e]);l&&c.sort(
Dr),le(c),Hr(c);let w=n/(c.x1-c.x0);function _(A){return(A.x1-A.x0)*w}let N=Lr(c),T=xn(this).select("svg");T.attr(
"width",n);let I=T.selectAll("g").data(N,function(A){return A.id});if(!t||b){let A=0;for(let z=0;z<N.length;++z)
N[z].depth>A&&(A=N[z].depth);t=(A+3)*e,t<S&&(t=S),T.attr("height",t)}I.transition().duration(o).ease(a).attr("\
transform",function(A){return"translate("+y(A.x0)+","+(f?m(A.depth):t-m(A.depth)-e)+")"}),I.select("rect").transition().
duration(o).ease(a).attr("width",_);let K=I.enter().append("svg:g").attr("transform",function(A){return"transl\
ate("+y(A.x0)+","+(f?m(A.depth):t-m(A.depth)-e)+")"});K.append("svg:rect").transition().delay(o/2).attr("width",
_),i||K.append("svg:title"),K.append("foreignObject").append("xhtml:div"),I=T.selectAll("g").data(N,function(A){
return A.id}),I.attr("width",_).attr("height",function(A){return e}).attr("name",function(A){return E(A)}).attr(
"class",function(A){return A.data.fade?"frame fade":"frame"}),I.select("rect").attr("height",function(A){return e}).
attr("fill",function(A){return G(A)}),i||I.select("title").text(on),I.select("foreignObject").attr("width",_).
attr("height",function(A){return e}).style("pointer-events","none").select("div").attr("class","d3-flame-graph\
-label").style("display",function(A){return _(A)<35?"none":"block"}).transition().delay(o).text(E),I.on("click",
function(A,z){Mt(z,this)}),I.exit().remove(),I.on("mouseover",function(A,z){i&&i.show(A,z),R(on(z)),typeof h==
"function"&&h(z)}).on("mouseout",function(){i&&i.hide(),R(null)})})}function fe(c,y){y.forEach(function(m){let w=c.
find(function(_){return _.name===m.name});w?(w.value+=m.value,m.children&&(w.children||(w.children=[]),fe(w.children,
m.children))):c.push(m)})}function Pr(c,y){y(c);let m=c.children;if(m){let w=[m],_,N,T;for(;w.length;)for(m=w.
pop(),_=m.length;_--;)N=m[_],y(N),T=N.children,T&&w.push(T)}}function Fr(c){let y=0;Pr(c,function(m){m.id=y++})}
function le(c){let y,m,w,_,N,T,I,K,A=[],z=[],qn=[],Br=!x,fn=c.data;for(fn.hide?(c.value=0,m=c.children,m&&qn.push(
m)):(c.value=fn.fade?0:k(fn),A.push(c));y=A.pop();)if(m=y.children,m&&(N=m.length)){for(_=0;N--;){if(I=m[N],fn=
I.data,fn.hide){I.value=0,w=I.children,w&&qn.push(w);continue}fn.fade?I.value=0:(K=k(fn),I.value=K,_+=K),A.push(
I)}Br&&y.value&&(y.value-=_),z.push(m)}for(N=z.length;N--;){for(m=z[N],_=0,T=m.length;T--;)_+=m[T].value;m[0].
parent.value+=_}for(;qn.length;)for(m=qn.pop(),T=m.length;T--;)I=m[T],I.value=0,w=I.children,w&&qn.push(w)}function bt(){
r.datum(c=>{if(c.constructor.name!=="Node"){let y=Jn(c,F);return Fr(y),le(y),y.originalValue=y.value,O&&y.eachAfter(
m=>{let w=W(m),_=m.children,N=_&&_.length;for(;--N>=0;)w+=_[N].delta;m.delta=w}),y}})}function g(c){if(!arguments.
length)return g;r=c,bt(),r.each(function(y){if(xn(this).select("svg").size()===0){let m=xn(this).append("svg:s\
vg").attr("width",n).attr("class","partition d3-flame-graph");t&&(t<S&&(t=S),m.attr("height",t)),m.append("svg\
:text").attr("class","title").attr("text-anchor","middle").attr("y","25").attr("x",n/2).attr("fill","#808080").
text(u),i&&m.call(i)}}),wn()}return g.height=function(c){return arguments.length?(t=c,g):t},g.minHeight=function(c){
return arguments.length?(S=c,g):S},g.width=function(c){return arguments.length?(n=c,g):n},g.cellHeight=function(c){
return arguments.length?(e=c,g):e},g.tooltip=function(c){return arguments.length?(typeof c=="function"&&(i=c),
g):i},g.title=function(c){return arguments.length?(u=c,g):u},g.transitionDuration=function(c){return arguments.
length?(o=c,g):o},g.transitionEase=function(c){return arguments.length?(a=c,g):a},g.sort=function(c){return arguments.
length?(l=c,g):l},g.inverted=function(c){return arguments.length?(f=c,g):f},g.computeDelta=function(c){return arguments.
length?(O=c,g):O},g.setLabelHandler=function(c){return arguments.length?(on=c,g):on},g.label=g.setLabelHandler,
g.search=function(c){let y=[],m=0,w=0;r.each(function(_){let N=zr(_,c);y.push(...N[0]),m+=N[1],w+=_.originalValue}),
Q(y,m,w),wn()},g.findById=function(c){if(typeof c>"u"||c===null)return null;let y=null;return r.each(function(m){
y===null&&(y=oe(m,c))}),y},g.clear=function(){R(null),r.each(function(c){ae(c),wn()})},g.zoomTo=function(c){Mt(
c,r.node())},g.resetZoom=function(){r.each(function(c){Mt(c,r.node())})},g.onClick=function(c){return arguments.
length?(s=c,g):s},g.onHover=function(c){return arguments.length?(h=c,g):h},g.merge=function(c){return r&&(this.
resetZoom(),v=null,R(null),r.datum(y=>(fe([y.data],[c]),y.data)),bt(),wn()),g},g.update=function(c){return r&&
(c&&(r.datum(c),bt()),wn()),g},g.destroy=function(){return r&&(i&&(i.hide(),typeof i.destroy=="function"&&i.destroy()),
r.selectAll("svg").remove()),g},g.setColorMapper=function(c){return arguments.length?(G=y=>{let m=an(y);return c(
y,m)},g):(G=an,g)},g.color=g.setColorMapper,g.setColorHue=function(c){return arguments.length?(C=c,g):(C=null,
g)},g.minFrameSize=function(c){return arguments.length?(d=c,g):d},g.setDetailsElement=function(c){return arguments.
length?(p=c,g):p},g.details=g.setDetailsElement,g.selfValue=function(c){return arguments.length?(x=c,g):x},g.resetHeightOnZoom=
function(c){return arguments.length?(b=c,g):b},g.scrollOnZoom=function(c){return arguments.length?(q=c,g):q},g.
getName=function(c){return arguments.length?(E=c,g):E},g.getValue=function(c){return arguments.length?(k=c,g):
k},g.getChildren=function(c){return arguments.length?(F=c,g):F},g.getLibtype=function(c){return arguments.length?
(en=c,g):en},g.getDelta=function(c){return arguments.length?(W=c,g):W},g.setSearchHandler=function(c){return arguments.
length?(Q=c,g):(Q=Xn,g)},g.setDetailsHandler=function(c){return arguments.length?(R=c,g):(R=rn,g)},g.setSearchMatch=
function(c){return arguments.length?(M=c,g):(M=Z,g)},g}return Qr(Mf);})();

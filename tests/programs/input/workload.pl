# What Perl programs do with memory; every line printed depends on the data alone.
use strict;
use warnings;
use threads;
use Digest::MD5 qw(md5_hex);
use Storable qw(dclone freeze thaw);

my $state = 12345;
sub next_random { $state = ($state * 1103515245 + 12345) % 2147483648; return $state % $_[0]; }

sub words {
    my ($count) = @_;
    my %seen;
    for my $n (1 .. $count) {
        my $word = join '', map { chr(97 + next_random(26)) } 1 .. 1 + next_random(9);
        push @{ $seen{$word} }, $n;
    }
    return md5_hex(join ',', map { "$_=@{$seen{$_}}" } sort keys %seen);
}

sub text {
    my $text = join ' ', map { sprintf '%d-%s', $_, 'v' x next_random(80) } 1 .. 20000;
    (my $swapped = $text) =~ s/(\d+)-(v*)/$2-$1/g;
    my @parts = split /[- ]/, $swapped;
    return md5_hex($swapped, join '|', reverse sort { length $a <=> length $b or $a cmp $b } @parts);
}

sub deep {
    my $tree = {};
    for my $n (1 .. 20000) {
        $tree->{ $n % 7 }{ $n % 101 }{$n} = [ $n, "leaf $n" ];
    }
    my $copy = thaw(freeze(dclone($tree)));
    return scalar(keys %$copy) . ' ' . md5_hex(join ',', map { $copy->{ $_ % 7 }{ $_ % 101 }{$_}[1] } 1 .. 20000);
}

print "words ", words(60000), "\n";
print "text ", text(), "\n";
print "deep ", deep(), "\n";

my @threads = map { my $n = $_; threads->create(sub { $state = $n; return words(15000) . text() }) } 1 .. 4;
print "thread ", $_->join, "\n" for @threads;

my $good = 0;
for my $n (1 .. 50) {
    my $pid = fork // die "fork: $!";
    if (!$pid) { my @lists = map { [ 1 .. $_ ] } 1 .. 200; exit(@lists == 200 ? 7 : 1); }
    waitpid $pid, 0;
    $good++ if $? >> 8 == 7;
}
print "$good of 50 children ended well\n";

my $grown = '';
$grown .= 'abcdefgh' x $_ for 1 .. 2000;
print "grown ", length $grown, ' ', md5_hex($grown), "\n";
